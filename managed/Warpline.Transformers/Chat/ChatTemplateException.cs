namespace Warpline.Transformers;

/// <summary>A chat template is wrong, breaks a bound, or refuses the conversation; the message says what and where.</summary>
public sealed class ChatTemplateException : FormatException
{
    /// <summary>Makes an exception.</summary>
    /// <param name="message">What is wrong, with its place.</param>
    /// <param name="line">The place's line, from 1 on; 0 where there is none.</param>
    /// <param name="column">The place's column, from 1 on; 0 where there is none.</param>
    public ChatTemplateException(string message, int line, int column)
        : base(message) => (Line, Column) = (line, column);

    /// <summary>The line of the template, from 1 on; 0 where no place is to blame.</summary>
    public int Line { get; }

    /// <summary>The column of the template, from 1 on; 0 where no place is to blame.</summary>
    public int Column { get; }
}

using System.Runtime.CompilerServices;

namespace Warpline.Transformers;

/// <summary>
/// Bounds of a template and of one rendering, so that a hostile one ends in an error. Real templates have up to 60,000
/// characters and take a few hundred steps a message.
/// </summary>
internal sealed class JinjaBudget
{
    /// <summary>Characters of a template.</summary>
    public const int MaxTemplateLength = 1 << 20;

    /// <summary>How deep blocks and expressions nest in a template.</summary>
    public const int MaxNesting = 100;

    /// <summary>Nodes of a template's syntax tree.</summary>
    public const int MaxNodes = 200_000;

    /// <summary>How deep a rendering descends: nested nodes, calls of macros, values within values.</summary>
    public const int MaxDepth = 300;

    /// <summary>Nodes evaluated, elements visited, 64 characters looked at.</summary>
    public const int MaxSteps = 5_000_000;

    /// <summary>Characters of one text, the output included.</summary>
    public const int MaxTextLength = 1 << 24;

    /// <summary>Characters of all texts that a rendering makes on the way.</summary>
    public const long MaxCharacters = 1L << 27;

    private long _steps;
    private long _characters;
    private int _depth;

    /// <summary>Counts work before it is done.</summary>
    public void Steps(long count)
    {
        _steps += count;
        if (_steps > MaxSteps)
        {
            throw new JinjaFault($"rendering takes more than {MaxSteps} steps");
        }
    }

    /// <summary>Counts items that are made, which take memory too.</summary>
    public void Items(long count) => Steps(4 * count);

    /// <summary>Counts the characters that are looked at, each as often as a search for a pattern may come back to it.</summary>
    public void Scan(long length, long pattern = 0) => Steps((1 + (length / 64)) * (1 + (pattern / 64)));

    /// <summary>Counts the characters of a text that was just made.</summary>
    public JinjaText Keep(JinjaText text)
    {
        Text(text.Length, text.Length);
        return text;
    }

    /// <summary>Counts new characters of a text before they are made.</summary>
    /// <param name="added">How many.</param>
    /// <param name="length">How long the text becomes.</param>
    public void Text(long added, long length)
    {
        _characters += added;
        if (length > MaxTextLength)
        {
            throw new JinjaFault($"a text has more than {MaxTextLength} characters");
        }

        if (_characters > MaxCharacters)
        {
            throw new JinjaFault($"rendering makes more than {MaxCharacters} characters of text");
        }
    }

    /// <summary>Goes one level down, counted as a step; <see cref="Leave"/> must follow.</summary>
    public void Enter()
    {
        Steps(1);
        if (_depth == MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new JinjaFault($"rendering descends more than {MaxDepth} levels");
        }

        _depth++;
    }

    /// <summary>Comes one level up.</summary>
    public void Leave() => _depth--;
}

namespace Warpline.Transformers;

/// <summary>What is wrong with a template or with its use; the place is added on the way out.</summary>
internal sealed class JinjaFault(string message, int offset = -1) : Exception(message)
{
    /// <summary>Where in the template's text; -1 while unknown.</summary>
    public int Offset { get; private set; } = offset;

    /// <summary>Notes the place unless a more exact one is known. For exception filters: never true.</summary>
    public bool Locate(int place)
    {
        Offset = Offset < 0 ? place : Offset;
        return false;
    }
}

namespace Warpline.Cli;

/// <summary>The arguments do not fit together.</summary>
internal sealed class UsageException(string message) : Exception(message);

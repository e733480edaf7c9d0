namespace Warpline.Cli;

/// <summary>What the command returns to the shell; listed in its help.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int NoDevice = 3;
    public const int Cancelled = 130;
}

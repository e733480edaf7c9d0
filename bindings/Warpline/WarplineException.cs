namespace Warpline;

/// <summary>What a native call returned, with the values of the C ABI.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum WarplineStatus
{
    /// <summary>The call succeeded.</summary>
    Ok = 0,

    /// <summary>A parameter breaks a documented rule.</summary>
    InvalidArgument = 1,

    /// <summary>Legal, but not served by this library, device or version.</summary>
    Unsupported = 2,

    /// <summary>Memory of the host or of the device could not be had.</summary>
    OutOfMemory = 3,

    /// <summary>The device does not exist for this library.</summary>
    NoDevice = 4,

    /// <summary>A defect of the library.</summary>
    Internal = 5,
}

/// <summary>A native call failed. The message is the library's own: function, parameter, value, requirement.</summary>
/// <remarks>Immutable after construction: safe from any thread.</remarks>
public sealed class WarplineException : Exception
{
    /// <summary>Creates the exception for a failed call.</summary>
    /// <param name="status">What the call returned.</param>
    /// <param name="message">What went wrong.</param>
    /// <param name="parameter">The parameter that the message complains of, where it is a single one.</param>
    public WarplineException(WarplineStatus status, string message, string? parameter = null)
        : base(message)
    {
        Status = status;
        Parameter = parameter;
    }

    /// <summary>What the call returned.</summary>
    public WarplineStatus Status { get; }

    /// <summary>The parameter that the message complains of, "x.shape[1]" for instance; null where it is no single one.</summary>
    public string? Parameter { get; }
}

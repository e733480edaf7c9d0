using System.Globalization;

namespace Warpline;

/// <summary>Kinds of devices, with the values of the C ABI.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum DeviceKind
{
    /// <summary>The processor of this machine.</summary>
    Cpu = 0,

    /// <summary>A CUDA device; a library without CUDA answers <see cref="WarplineStatus.NoDevice"/>.</summary>
    Cuda = 1,
}

/// <summary>A device to run ops on. The default value is the CPU.</summary>
/// <remarks>An immutable value: safe from any thread, owns nothing. Whether the device exists shows when it is used; see
/// <see cref="WarplineLibrary.Devices"/>.</remarks>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Which one of its kind, from 0.</param>
public readonly record struct ComputeDevice(DeviceKind Kind, int Index)
{
    /// <summary>The processor of this machine.</summary>
    public static ComputeDevice Cpu => default;

    /// <summary>A CUDA device.</summary>
    /// <param name="index">Which one, from 0.</param>
    /// <returns>The device.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public static ComputeDevice Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new ComputeDevice(DeviceKind.Cuda, index);
    }

    /// <summary>Reads "cpu", "cuda" or "cuda:1".</summary>
    /// <param name="text">The text; case does not matter.</param>
    /// <returns>The device.</returns>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="FormatException">The text is none of these.</exception>
    public static ComputeDevice Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out ComputeDevice device)
            ? device
            : throw new FormatException($"The device is \"{text}\"; must be cpu, cuda or cuda:N.");
    }

    /// <summary>Reads "cpu", "cuda" or "cuda:1" without an exception.</summary>
    /// <param name="text">The text; case does not matter.</param>
    /// <param name="device">The device, or the CPU where the text is none of these.</param>
    /// <returns>Whether the text named a device.</returns>
    public static bool TryParse(string? text, out ComputeDevice device)
    {
        device = Cpu;
        if (string.Equals(text, "cpu", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        const string cuda = "cuda";
        if (text is null || !text.StartsWith(cuda, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(cuda.Length);
        int index = 0;
        if (!rest.IsEmpty
            && (rest[0] != ':' || !int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out index)))
        {
            return false;
        }

        device = Cuda(index);
        return true;
    }

    /// <summary>"cpu" or "cuda:0", as <see cref="Parse"/> reads it.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : $"cuda:{Index}";
}

using System.Globalization;
using Warpline.Native;

namespace Warpline;

/// <summary>The native library: where it was found, what it runs on, and its process-wide settings.</summary>
/// <remarks>
/// The library is loaded by the first call that needs it, and stays until the process ends. Candidates, in order: the file that
/// the environment variable WARPLINE_LIBRARY names, alone if it is set; else the path of <see cref="SetPath"/>, alone if it was
/// called; else the library with CUDA and the one without (or the emulated one, see <see cref="SelectDevice"/>) beside the
/// application, under runtimes/RID/native there, and by the system's search. Thread safety: every member may be called from any
/// thread. Settings are for the whole process.
/// </remarks>
public static unsafe class WarplineLibrary
{
    private const int OptionBytes = 64;

    /// <summary>The version of the native library.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static Version Version
    {
        get
        {
            NativeLoader.EnsureLoaded();
            return Version.Parse(NativeStatus.Text(NativeMethods.Version()));
        }
    }

    /// <summary>The ABI version of the native library, which is this binding's.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static int AbiVersion
    {
        get
        {
            NativeLoader.EnsureLoaded();
            return NativeMethods.AbiVersion();
        }
    }

    /// <summary>The path that the library was loaded from, or its bare name where the system's search found it.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static string LoadedPath
    {
        get
        {
            NativeLoader.EnsureLoaded();
            return NativeLoader.LoadedPath;
        }
    }

    /// <summary>What the latest load tried, in order; empty before the first. Reading it loads nothing.</summary>
    public static IReadOnlyList<LoadAttempt> LoadLog => NativeLoader.Log;

    /// <summary>The devices that the library can run on. A GPU that is missing is explained by <see cref="GetDevice"/>.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static IReadOnlyList<DeviceInfo> Devices
    {
        get
        {
            NativeLoader.EnsureLoaded();
            List<DeviceInfo> devices = [];
            foreach (DeviceKind kind in Enum.GetValues<DeviceKind>())
            {
                int count;
                NativeStatus.Check(NativeMethods.DeviceCount((int)kind, &count));
                for (int index = 0; index < count; index++)
                {
                    // A GPU that the library holds no code for is none that it can run on.
                    WarplineStatus status = Describe(new ComputeDevice(kind, index), out DeviceInfo? info);
                    if (status != WarplineStatus.Unsupported)
                    {
                        NativeStatus.Check((int)status);
                        devices.Add(info!);
                    }
                }
            }

            return devices;
        }
    }

    /// <summary>Bodies that the CPU backend runs at once, over all callers: 1 to 256.</summary>
    /// <exception cref="WarplineException">The number is out of range.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static int ThreadCount
    {
        get => int.Parse(GetOption(LibraryOption.Threads), CultureInfo.InvariantCulture);
        set => SetOption(LibraryOption.Threads, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The kernel that served the calling thread's latest op, "gemm.tiles.avx512.float32" for instance; null before the
    /// first.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static string? LastKernel
    {
        get
        {
            NativeLoader.EnsureLoaded();
            string name = NativeStatus.Text(NativeMethods.LastKernel());
            return name.Length == 0 ? null : name;
        }
    }

    /// <summary>What is not freed yet: host tensors, packed weights, device buffers, streams, events and graphs.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static long LiveHandles
    {
        get
        {
            NativeLoader.EnsureLoaded();
            return NativeMethods.LiveHandles();
        }
    }

    /// <summary>Bytes of scratch memory that the CPU backend keeps for its next calls; see <see cref="Trim"/>.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static long ScratchBytes
    {
        get
        {
            NativeLoader.EnsureLoaded();
            return checked((long)NativeMethods.ScratchBytes());
        }
    }

    /// <summary>Gives back scratch memory that no running op uses, and freed device memory that is kept for the next
    /// allocation.</summary>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static void Trim()
    {
        NativeLoader.EnsureLoaded();
        NativeStatus.Check(NativeMethods.Trim());
    }

    /// <summary>Describes a device, or says why it cannot be used: no driver, no GPU, one that is too old.</summary>
    /// <param name="device">The device.</param>
    /// <returns>What is known of it.</returns>
    /// <exception cref="WarplineException">The device does not exist for this library and machine; the message says what to
    /// do.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static DeviceInfo GetDevice(ComputeDevice device)
    {
        NativeLoader.EnsureLoaded();
        if (Describe(device, out DeviceInfo? info) == WarplineStatus.Ok)
        {
            return info!;
        }

        string reason = NativeStatus.Text(NativeMethods.LastError());
        throw new WarplineException(
            WarplineStatus.NoDevice,
            $"There is no device {device}; this library and machine have {string.Join(", ", Devices.Select(other => other.Device))}. "
            + reason,
            nameof(device));
    }

    /// <summary>Loads all kernels of a device, so that no later op has to: before a capture or a measurement. A second call does
    /// nothing.</summary>
    /// <param name="device">The device; on the CPU there is nothing to load.</param>
    /// <exception cref="WarplineException">The device does not exist, or the library holds no code for it.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static void Prepare(ComputeDevice device)
    {
        NativeLoader.EnsureLoaded();
        NativeStatus.Check(NativeMethods.DevicePrepare((int)device.Kind, device.Index));
    }

    /// <summary>Reads a device as <see cref="ComputeDevice.Parse"/> does, and "emu": the emulated library, whose CUDA device is
    /// then meant. That choice is made before the library is loaded; WARPLINE_LIBRARY and <see cref="SetPath"/> still come
    /// first.</summary>
    /// <param name="text">cpu, cuda, cuda:N or emu; case does not matter.</param>
    /// <returns>The device.</returns>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="FormatException">The text is none of these.</exception>
    /// <exception cref="InvalidOperationException">The text is emu and another library is loaded already.</exception>
    public static ComputeDevice SelectDevice(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Equals("emu", StringComparison.OrdinalIgnoreCase))
        {
            NativeLoader.ChooseEmulator();
            return ComputeDevice.Cuda();
        }

        return ComputeDevice.TryParse(text, out ComputeDevice device)
            ? device
            : throw new FormatException($"The device is \"{text}\"; must be cpu, cuda, cuda:N or emu.");
    }

    /// <summary>Loads the library without an exception.</summary>
    /// <param name="reason">What was tried and why it failed; null on success.</param>
    /// <returns>Whether the library is loaded.</returns>
    public static bool TryLoad(out string? reason)
    {
        try
        {
            NativeLoader.EnsureLoaded();
            reason = null;
            return true;
        }
        catch (WarplineLoadException exception)
        {
            reason = exception.Message;
            return false;
        }
    }

    /// <summary>Makes a file the only candidate, unless WARPLINE_LIBRARY is set. Only before the library is loaded.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">There is no path.</exception>
    /// <exception cref="InvalidOperationException">The library is loaded already.</exception>
    public static void SetPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        NativeLoader.SetPath(path);
    }

    /// <summary>The value of an option that is in force.</summary>
    /// <param name="option">The option.</param>
    /// <returns>Its value: for a forced kernel that is not set, "auto".</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such option.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static string GetOption(LibraryOption option)
    {
        string name = Name(option);
        NativeLoader.EnsureLoaded();
        byte* value = stackalloc byte[OptionBytes];
        NativeStatus.Check(NativeMethods.GetOption(name, value, OptionBytes));
        return NativeStatus.Text(value);
    }

    /// <summary>Changes an option for the whole process until the result is disposed, which restores the value that was in force.
    /// Overrides of one option must be disposed in reverse order.</summary>
    /// <param name="option">The option.</param>
    /// <param name="value">The value; "auto" is the default.</param>
    /// <returns>Restores the former value when disposed; disposing it twice does nothing more.</returns>
    /// <exception cref="ArgumentNullException">There is no value.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such option.</exception>
    /// <exception cref="WarplineException">The value is not legal, or the machine lacks the instruction set; the option keeps its
    /// value.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static IDisposable Override(LibraryOption option, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string former = GetOption(option);
        SetOption(option, value);
        return new Restoration(option, former);
    }

    private static void SetOption(LibraryOption option, string value)
    {
        string name = Name(option);
        NativeLoader.EnsureLoaded();
        NativeStatus.Check(NativeMethods.SetOption(name, value));
    }

    private static string Name(LibraryOption option) => option switch
    {
        LibraryOption.Threads => "threads",
        LibraryOption.CpuInstructionSet => "cpu_isa",
        LibraryOption.GemmKernel => "gemm.kernel",
        LibraryOption.AttentionKernel => "attention.kernel",
        _ => throw new ArgumentOutOfRangeException(nameof(option), option, "There is no such option."),
    };

    private static WarplineStatus Describe(ComputeDevice device, out DeviceInfo? description)
    {
        NativeStruct.Create(out DeviceInfoParams info);
        var status = (WarplineStatus)NativeMethods.DeviceGetInfo((int)device.Kind, device.Index, &info);
        description = status != WarplineStatus.Ok
            ? null
            : new DeviceInfo(
                device,
                NativeStatus.Text((byte*)&info.Name),
                NativeStatus.Text((byte*)&info.Isa),
                info.ComputeUnits,
                checked((long)info.MemoryBytes));
        return status;
    }

    private sealed class Restoration(LibraryOption option, string former) : IDisposable
    {
        private int _done;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
            {
                SetOption(option, former);
            }
        }
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warpline.Native;

/// <summary>Finds, checks and keeps the native library: at first use, under a lock, with a log of what was tried.</summary>
internal static unsafe class NativeLoader
{
    /// <summary>The ABI that these structs and signatures follow.</summary>
    public const int AbiVersion = 1;

    private const string Variable = "WARPLINE_LIBRARY";

    private static readonly Lock Gate = new();
    private static volatile bool _loaded;
    private static nint _handle;
    private static bool _resolverSet;
    private static string? _chosenPath;
    private static bool _emulated;
    private static string _loadedPath = "";
    private static LoadAttempt[] _log = [];

    /// <summary>The attempts of the latest load.</summary>
    public static IReadOnlyList<LoadAttempt> Log => Volatile.Read(ref _log);

    /// <summary>Where the library came from; empty before it is loaded.</summary>
    public static string LoadedPath => Volatile.Read(ref _loadedPath);

    /// <summary>Loads the library unless it is loaded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnsureLoaded()
    {
        if (!_loaded)
        {
            Load();
        }
    }

    /// <summary>Makes a path the only candidate.</summary>
    public static void SetPath(string path)
    {
        lock (Gate)
        {
            if (_loaded)
            {
                throw new InvalidOperationException(
                    $"The native library is loaded already, from {_loadedPath}; its path must be set before first use.");
            }

            _chosenPath = path;
        }
    }

    /// <summary>Makes the emulated library the only kind of candidate.</summary>
    public static void ChooseEmulator()
    {
        lock (Gate)
        {
            if (_loaded && !IsEmulated(_loadedPath))
            {
                throw new InvalidOperationException(
                    $"The native library is loaded already, from {_loadedPath}; the device emu must be chosen before first use.");
            }

            _emulated = true;
        }
    }

    private static bool IsEmulated(string path) =>
        Path.GetFileName(path).StartsWith(OperatingSystem.IsWindows() ? "warpline_emu" : "libwarpline_emu", StringComparison.Ordinal);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Load()
    {
        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            if (!_resolverSet)
            {
                NativeLibrary.SetDllImportResolver(typeof(NativeLoader).Assembly, Resolve);
                _resolverSet = true;
            }

            List<LoadAttempt> log = [];
            foreach ((string path, string origin, bool search) in Candidates())
            {
                string? failure = TryOpen(path, search, out nint handle);
                log.Add(new LoadAttempt(path, origin, failure));
                if (failure is null)
                {
                    _handle = handle;
                    _loadedPath = path;
                    break;
                }
            }

            Volatile.Write(ref _log, [.. log]);
            if (_handle == 0)
            {
                throw new WarplineLoadException(_log);
            }

            _loaded = true;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == NativeMethods.LibraryName ? _handle : 0;

    private static IEnumerable<(string Path, string Origin, bool Search)> Candidates()
    {
        string? variable = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(variable))
        {
            yield return (variable, Variable, false);
            yield break;
        }

        if (_chosenPath is not null)
        {
            yield return (_chosenPath, "WarplineLibrary.SetPath", false);
            yield break;
        }

        bool windows = OperatingSystem.IsWindows();
        string[] files = [.. Names().Select(name => windows ? name + ".dll" : $"lib{name}.so")];
        string folder = AppContext.BaseDirectory;
        string runtime = $"{(windows ? "win" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        foreach (string file in files)
        {
            // On Windows warpline.dll beside the application is the managed assembly: names there ignore case.
            if (file != "warpline.dll")
            {
                yield return (Path.Combine(folder, file), "beside the application", false);
            }
        }

        foreach (string file in files)
        {
            yield return (Path.Combine(folder, "runtimes", runtime, "native", file), "runtimes folder", false);
        }

        foreach (string file in files)
        {
            yield return (file, "the system's search", true);
        }
    }

    /// <summary>The libraries in order of preference: the one with CUDA also loads on machines without a GPU.</summary>
    private static string[] Names() => _emulated ? ["warpline_emu"] : ["warpline_cuda12", "warpline"];

    /// <summary>Opens and checks one candidate; returns what is wrong with it, or null.</summary>
    private static string? TryOpen(string path, bool search, out nint handle)
    {
        handle = 0;
        if (!search && !File.Exists(path))
        {
            return "there is no such file";
        }

        nint opened;
        try
        {
            opened = search
                ? NativeLibrary.Load(path, typeof(NativeLoader).Assembly, null)
                : NativeLibrary.Load(Path.GetFullPath(path));
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            return exception.Message.ReplaceLineEndings(" ").Trim();
        }

        string? failure = Examine(opened);
        if (failure is null)
        {
            handle = opened;
        }
        else
        {
            NativeLibrary.Free(opened);
        }

        return failure;
    }

    private static string? Examine(nint library)
    {
        foreach (string name in NativeMethods.Exports)
        {
            if (!NativeLibrary.TryGetExport(library, name, out _))
            {
                return $"library older than binding: it does not export {name}";
            }
        }

        int version = ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "wl_abi_version"))();
        return version == AbiVersion ? null : $"its ABI version is {version}; must be {AbiVersion}, that of this binding";
    }
}

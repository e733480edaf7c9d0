using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

/// <summary>
/// Loading happens once a process for one copy of the assembly, so each test loads a copy of its own and talks to it by
/// reflection.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class LoaderTests
{
    private const string Variable = "WARPLINE_LIBRARY";

    private string _folder = "";
    private string? _variable;

    [SetUp]
    public void SetUp()
    {
        _variable = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        _folder = Directory.CreateTempSubdirectory("warpline-loader-").FullName;
    }

    [TearDown]
    public void TearDown()
    {
        Environment.SetEnvironmentVariable(Variable, _variable);
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void A_file_that_does_not_exist_is_named()
    {
        string path = Path.Combine(_folder, "missing.so");
        Environment.SetEnvironmentVariable(Variable, path);
        Copy copy = new();
        (string Path, string Origin, string? Failure)[] attempts = copy.FailToLoad(out string message);
        Assert.That(
            attempts,
            Is.EqualTo(new[] { (path, Variable, "there is no such file") }),
            "the variable's file is the only candidate");
        Assert.That(message, Is.EqualTo(
            $"The native Warpline library was not loaded. Tried:\n  {path} (WARPLINE_LIBRARY): there is no such file"));
    }

    [Test]
    public void A_file_that_is_no_library_is_reported_in_the_systems_words()
    {
        string path = Path.Combine(_folder, "text.so");
        File.WriteAllText(path, "This is not a library.");
        Environment.SetEnvironmentVariable(Variable, path);
        (string Path, string Origin, string? Failure)[] attempts = new Copy().FailToLoad(out string message);
        Assert.That(attempts.Single().Path, Is.EqualTo(path));
        Assert.That(attempts.Single().Failure, Does.Contain(path).And.Not.Contain("\n"));
        Assert.That(message, Does.Contain(attempts.Single().Failure));
    }

    [Test]
    public void A_library_without_the_exports_is_older_than_the_binding()
    {
        // The C library is loaded in every process here.
        string path = Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
            .First(module => module.ModuleName.StartsWith("libc.so", StringComparison.Ordinal)).FileName;
        Environment.SetEnvironmentVariable(Variable, path);
        (string Path, string Origin, string? Failure)[] attempts = new Copy().FailToLoad(out _);
        Assert.That(attempts.Single().Failure, Is.EqualTo("library older than binding: it does not export wl_abi_version"));
    }

    [Test]
    public void One_missing_export_is_named()
    {
        string path = Compile(
            "older", [.. Native.NativeMethods.Exports.Where(name => name != "wl_softmax")], Native.NativeLoader.AbiVersion);
        Environment.SetEnvironmentVariable(Variable, path);
        (string Path, string Origin, string? Failure)[] attempts = new Copy().FailToLoad(out string message);
        Assert.That(attempts.Single().Failure, Is.EqualTo("library older than binding: it does not export wl_softmax"));
        Assert.That(message, Does.Contain(path));
    }

    [Test]
    public void Another_abi_version_is_refused()
    {
        int version = Native.NativeLoader.AbiVersion + 1;
        Environment.SetEnvironmentVariable(Variable, Compile("newer", Native.NativeMethods.Exports, version));
        (string Path, string Origin, string? Failure)[] attempts = new Copy().FailToLoad(out _);
        Assert.That(
            attempts.Single().Failure, Is.EqualTo($"its ABI version is {version}; must be {version - 1}, that of this binding"));
    }

    [Test]
    public void A_path_that_was_set_is_the_only_candidate_until_the_variable_is_set()
    {
        string path = Path.Combine(_folder, "chosen.so");
        Copy copy = new();
        copy.Call("SetPath", path);
        Assert.That(copy.FailToLoad(out _), Is.EqualTo(new[] { (path, "WarplineLibrary.SetPath", "there is no such file") }));
        Environment.SetEnvironmentVariable(Variable, path + "2");
        Assert.That(copy.FailToLoad(out _), Is.EqualTo(new[] { (path + "2", Variable, "there is no such file") }));

        // After a failure another path may be tried, after success none.
        Environment.SetEnvironmentVariable(Variable, null);
        copy.Call("SetPath", RealLibrary());
        copy.Call("Trim");
        Assert.That(copy.Get<string>("LoadedPath"), Is.EqualTo(RealLibrary()));
        Assert.That(() => copy.Call("SetPath", path), Throws.InvalidOperationException);
    }

    [Test]
    public void Without_a_choice_the_application_folder_comes_first_and_cuda_before_the_cpu()
    {
        Copy copy = new();
        Assert.That(copy.Get<IEnumerable>("LoadLog"), Is.Empty, "nothing is loaded before it is needed");
        copy.Call("Trim");
        (string Path, string Origin, string? Failure)[] log = Copy.Read(copy.Get<IEnumerable>("LoadLog"));
        string[] expected = ["libwarpline_cuda12.so", "libwarpline.so"];
        Assert.That(
            log.Take(2).Select(attempt => attempt.Path),
            Is.EqualTo(expected.Take(log.Length).Select(file => Path.Combine(AppContext.BaseDirectory, file))));
        Assert.That(log[^1].Failure, Is.Null);
        Assert.That(copy.Get<string>("LoadedPath"), Is.EqualTo(log[^1].Path));
    }

    [Test]
    public void The_device_emu_looks_for_the_emulated_library_only()
    {
        Copy copy = new();
        copy.Call("SelectDevice", "emu");
        object?[] arguments = [null];
        bool loaded = (bool)Copy.Invoke(copy.Type("WarplineLibrary").GetMethod("TryLoad")!, arguments)!;
        (string Path, string Origin, string? Failure)[] log = Copy.Read(copy.Get<IEnumerable>("LoadLog"));
        Assert.That(log.Select(attempt => Path.GetFileName(attempt.Path)), Is.All.EqualTo("libwarpline_emu.so"));
        Assert.That(log[0].Path, Is.EqualTo(Path.Combine(AppContext.BaseDirectory, "libwarpline_emu.so")));
        Assert.That(loaded, Is.EqualTo(File.Exists(log[0].Path)), arguments[0]?.ToString());
    }

    [Test]
    public void Every_operation_raises_the_load_exception()
    {
        Environment.SetEnvironmentVariable(Variable, Path.Combine(_folder, "missing.so"));
        Copy copy = new();
        string[] members =
        [
            "Version", "AbiVersion", "LoadedPath", "Devices", "ThreadCount", "LastKernel", "LiveHandles", "ScratchBytes",
        ];
        foreach (string member in members)
        {
            Assert.That(() => copy.Get<object>(member), Throws.InstanceOf<DllNotFoundException>(), member);
        }

        MethodInfo argMax = copy.Type("Sampling").GetMethods().Single(
            method => method.Name == "ArgMax" && method.GetParameters().Length == 3);
        object?[] absent = [.. argMax.GetParameters().Select(
            parameter => Activator.CreateInstance(parameter.ParameterType.GetElementType()!))];
        Assert.That(() => Copy.Invoke(argMax, absent), Throws.InstanceOf<DllNotFoundException>(), "an op");
        MethodInfo tryLoad = copy.Type("WarplineLibrary").GetMethod("TryLoad")!;
        object?[] arguments = [null];
        Assert.That(Copy.Invoke(tryLoad, arguments), Is.False);
        Assert.That(arguments[0], Does.Contain("missing.so"));
    }

    private static string RealLibrary()
    {
        _ = WarplineLibrary.Version;
        return WarplineLibrary.LoadedPath;
    }

    /// <summary>A library that exports these names, for versions of the native library that do not exist.</summary>
    private string Compile(string name, IEnumerable<string> exports, int abiVersion)
    {
        string source = Path.Combine(_folder, name + ".c");
        string library = Path.Combine(_folder, name + ".so");
        File.WriteAllLines(
            source,
            exports.Select(export => $"int {export}(void) {{ return {(export == "wl_abi_version" ? abiVersion : 0)}; }}"));
        try
        {
            using Process compiler = Process.Start("cc", ["-shared", "-fPIC", "-o", library, source]);
            compiler.WaitForExit();
            Assert.That(compiler.ExitCode, Is.Zero, "cc");
        }
        catch (Win32Exception)
        {
            Assert.Ignore("There is no C compiler named cc to make a library with.");
        }

        return library;
    }

    /// <summary>A copy of the Warpline assembly with its own static state.</summary>
    private sealed class Copy
    {
        private readonly Assembly _assembly =
            new AssemblyLoadContext("loader test").LoadFromAssemblyPath(typeof(WarplineLibrary).Assembly.Location);

        public static object? Invoke(MethodInfo method, object?[] arguments)
        {
            try
            {
                return method.Invoke(null, arguments);
            }
            catch (TargetInvocationException exception)
            {
                throw exception.InnerException!;
            }
        }

        public static (string Path, string Origin, string? Failure)[] Read(IEnumerable attempts) =>
            [.. attempts.Cast<object>().Select(
                attempt => (Field(attempt, "Path")!, Field(attempt, "Origin")!, Field(attempt, "Failure")))];

        public Type Type(string name) => _assembly.GetType("Warpline." + name, throwOnError: true)!;

        public object? Call(string method, params object?[] arguments) =>
            Invoke(Type("WarplineLibrary").GetMethod(method)!, arguments);

        public T Get<T>(string property) => (T)Call("get_" + property)!;

        public (string Path, string Origin, string? Failure)[] FailToLoad(out string message)
        {
            Exception exception = Assert.Catch(() => Call("Trim"))!;
            Assert.That(exception.GetType().FullName, Is.EqualTo(typeof(WarplineLoadException).FullName));
            message = exception.Message;
            (string Path, string Origin, string? Failure)[] attempts =
                Read((IEnumerable)exception.GetType().GetProperty("Attempts")!.GetValue(exception)!);
            Assert.That(Read(Get<IEnumerable>("LoadLog")), Is.EqualTo(attempts));
            return attempts;
        }

        private static string? Field(object attempt, string name) =>
            (string?)attempt.GetType().GetProperty(name)!.GetValue(attempt);
    }
}

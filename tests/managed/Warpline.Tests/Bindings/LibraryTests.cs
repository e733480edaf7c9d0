using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class LibraryTests
{
    [Test]
    public void Library_header_and_assembly_have_one_version()
    {
        Version assembly = typeof(WarplineLibrary).Assembly.GetName().Version!;
        Assert.That(WarplineLibrary.Version, Is.EqualTo(new Version(assembly.Major, assembly.Minor, assembly.Build)));
        Assert.That(WarplineLibrary.AbiVersion, Is.EqualTo(Native.NativeLoader.AbiVersion));

        // The header is there in a checkout, not where the tests were carried as an executable.
        if (RepositoryHeaders.Folder is string folder)
        {
            string text = File.ReadAllText(Path.Combine(folder, "core.h"));
            string Macro(string name) => Regex.Match(text, $@"#define {name} (\d+)").Groups[1].Value;
            string version = $"{Macro("WL_VERSION_MAJOR")}.{Macro("WL_VERSION_MINOR")}.{Macro("WL_VERSION_PATCH")}";
            Assert.That(WarplineLibrary.Version.ToString(), Is.EqualTo(version));
            Assert.That(WarplineLibrary.AbiVersion.ToString(), Is.EqualTo(Macro("WL_ABI_VERSION")));
        }
    }

    [Test]
    public void The_load_log_ends_with_the_library_that_was_taken()
    {
        Assert.That(WarplineLibrary.TryLoad(out string? reason), Is.True, reason);
        Assert.That(reason, Is.Null);
        Assert.That(WarplineLibrary.LoadLog, Is.Not.Empty);
        Assert.That(WarplineLibrary.LoadLog[^1].Failure, Is.Null);
        Assert.That(WarplineLibrary.LoadLog[^1].Path, Is.EqualTo(WarplineLibrary.LoadedPath));
    }

    [Test]
    public void The_path_is_locked_once_the_library_is_loaded()
    {
        _ = WarplineLibrary.Version;
        Assert.That(
            () => WarplineLibrary.SetPath("/elsewhere/libwarpline.so"),
            Throws.InvalidOperationException.With.Message.Contains("must be set before first use"));
        Assert.That(() => WarplineLibrary.SetPath(""), Throws.ArgumentException);
    }

    [Test]
    public void The_processor_is_a_device()
    {
        DeviceInfo info = WarplineLibrary.Devices.Single(device => device.Device == ComputeDevice.Cpu);
        Assert.That(info.Name, Is.Not.Empty);
        Assert.That(info.InstructionSet, Is.AnyOf("avx2", "avx512", "avx512_bf16"));
        Assert.That(info.ComputeUnits, Is.InRange(1, 4096));
        Assert.That(info.MemoryBytes, Is.GreaterThan(64L << 20));
    }

    [Test]
    public void Overrides_change_and_restore_an_option()
    {
        int threads = WarplineLibrary.ThreadCount;
        using (WarplineLibrary.Override(LibraryOption.Threads, "3"))
        {
            Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(3));
            using (WarplineLibrary.Override(LibraryOption.Threads, "1"))
            {
                Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(1));
            }

            Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(3));
        }

        Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(threads));
        foreach (LibraryOption option in Enum.GetValues<LibraryOption>())
        {
            string value = WarplineLibrary.GetOption(option);
            using (WarplineLibrary.Override(option, "auto"))
            {
            }

            Assert.That(WarplineLibrary.GetOption(option), Is.EqualTo(value), option.ToString());
        }
    }

    [Test]
    public void An_override_that_is_disposed_twice_restores_once()
    {
        int threads = WarplineLibrary.ThreadCount;
        IDisposable first = WarplineLibrary.Override(LibraryOption.Threads, "2");
        first.Dispose();
        using (WarplineLibrary.Override(LibraryOption.Threads, "5"))
        {
            first.Dispose();
            Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(5));
        }

        Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(threads));
    }

    [Test]
    public void The_thread_count_can_be_set()
    {
        int threads = WarplineLibrary.ThreadCount;
        try
        {
            WarplineLibrary.ThreadCount = 7;
            Assert.That(WarplineLibrary.GetOption(LibraryOption.Threads), Is.EqualTo("7"));
        }
        finally
        {
            WarplineLibrary.ThreadCount = threads;
        }
    }

    [Test]
    public void An_illegal_option_keeps_its_value()
    {
        int threads = WarplineLibrary.ThreadCount;
        foreach (string value in new[] { "0", "257", "-1", "many", "" })
        {
            WarplineException exception = Numbers.Failure(() => WarplineLibrary.Override(LibraryOption.Threads, value).Dispose());
            Assert.That(exception.Status, Is.EqualTo(WarplineStatus.InvalidArgument));
            Assert.That(exception.Parameter, Is.EqualTo("value"));
            Assert.That(
                exception.Message, Is.EqualTo($"wl_set_option: value is \"{value}\"; must be a number from 1 to 256, or auto"));
        }

        Assert.That(WarplineLibrary.ThreadCount, Is.EqualTo(threads));
        Assert.That(() => WarplineLibrary.GetOption((LibraryOption)99), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => WarplineLibrary.Override(LibraryOption.Threads, null!), Throws.ArgumentNullException);
    }

    [Test]
    public void The_last_kernel_is_that_of_this_thread()
    {
        float[] logits = Numbers.Random(1, 32);
        Sampling.ArgMax(logits);
        Assert.That(WarplineLibrary.LastKernel, Does.Contain("argmax"));
        string? elsewhere = "not read";
        Thread thread = new(() => elsewhere = WarplineLibrary.LastKernel);
        thread.Start();
        thread.Join();
        Assert.That(elsewhere, Is.Null);
    }

    [Test]
    public void Scratch_memory_can_be_given_back()
    {
        WarplineLibrary.Trim();
        Assert.That(WarplineLibrary.ScratchBytes, Is.Zero);
    }
}

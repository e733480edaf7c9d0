using NUnit.Framework;

namespace Warpline.Tests;

/// <summary>The device that the suite runs on: WARPLINE_DEVICE, as the command's --device reads it; the CPU where it is not
/// set.</summary>
public static class TestDevice
{
    public static ComputeDevice Current { get; } =
        WarplineLibrary.SelectDevice(Environment.GetEnvironmentVariable("WARPLINE_DEVICE") is { Length: > 0 } text ? text : "cpu");

    /// <summary>Whether weights may be packed there: without on a GPU, without and with on the processor.</summary>
    public static bool[] Packings { get; } = Current.Kind == DeviceKind.Cpu ? [false, true] : [false];

    /// <summary>Whether that is the emulated GPU, where large models take minutes.</summary>
    public static bool IsEmulated { get; } = Environment.GetEnvironmentVariable("WARPLINE_DEVICE") == "emu";

    /// <summary>The CUDA device of the suite; the calling test is skipped where it runs on the CPU.</summary>
    public static ComputeDevice RequireCuda()
    {
        if (Current.Kind != DeviceKind.Cuda)
        {
            Assert.Ignore("The suite runs on the CPU; WARPLINE_DEVICE=emu or cuda runs this test.");
        }

        return Current;
    }

    /// <summary>Skips the calling test unless the suite runs on the emulated GPU, which counts calls.</summary>
    public static void RequireEmulator()
    {
        if (!IsEmulated)
        {
            Assert.Ignore("The suite does not run on the emulated GPU; WARPLINE_DEVICE=emu runs this test.");
        }
    }
}

/// <summary>The device is chosen before any test loads the library.</summary>
[SetUpFixture]
public sealed class DeviceChoice
{
    [OneTimeSetUp]
    public void Choose()
    {
        ComputeDevice device = TestDevice.Current;
        Assert.That(() => WarplineLibrary.GetDevice(device), Throws.Nothing, $"WARPLINE_DEVICE asks for {device}");
    }
}

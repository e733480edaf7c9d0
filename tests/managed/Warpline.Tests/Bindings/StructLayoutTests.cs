using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using NUnit.Framework;
using Warpline.Native;

namespace Warpline.Tests.Bindings;

/// <summary>Compares every field of every native struct with C, as the program abi_layout prints it: "struct field offset size",
/// the struct itself as "struct . 0 size".</summary>
[TestFixture]
public sealed class StructLayoutTests
{
    private static readonly Dictionary<string, Type> Structs = new()
    {
        ["wl_tensor"] = typeof(TensorRef),
        ["wl_launch"] = typeof(LaunchParams),
        ["wl_device_info"] = typeof(DeviceInfoParams),
        ["wl_gemm_params"] = typeof(GemmParams),
        ["wl_attention_params"] = typeof(AttentionParams),
        ["wl_kv_append_params"] = typeof(KeyValueAppendParams),
        ["wl_norm_params"] = typeof(NormParams),
        ["wl_rope_table_params"] = typeof(RopeTableParams),
        ["wl_rope_params"] = typeof(RopeParams),
        ["wl_activation_params"] = typeof(ActivationParams),
        ["wl_embedding_params"] = typeof(EmbeddingParams),
        ["wl_pool_params"] = typeof(PoolParams),
        ["wl_softmax_params"] = typeof(SoftmaxParams),
        ["wl_argmax_params"] = typeof(ArgMaxParams),
        ["wl_sample_params"] = typeof(SampleParams),
        ["wl_sampling_row"] = typeof(SamplingSettings),
    };

    /// <summary>What the packed bytes begin with is the library's own business: C# passes them on unread.</summary>
    private static readonly string[] NotInManagedCode = ["wl_packed_weight_header"];

    private static IEnumerable<string> Names => Structs.Keys;

    [TestCaseSource(nameof(Names))]
    public void Offsets_and_sizes_equal_those_of_c(string name)
    {
        string[] expected = [.. LayoutOfC().Where(line => line.StartsWith(name + " ", StringComparison.Ordinal))];
        Assert.That(LayoutOf(name, Structs[name]), Is.EqualTo(expected));
    }

    [Test]
    public void No_struct_of_c_is_left_out()
    {
        IEnumerable<string> names = LayoutOfC().Select(line => line.Split(' ')[0]).Distinct();
        Assert.That(names, Is.EquivalentTo(Structs.Keys.Concat(NotInManagedCode)));
    }

    private static string[] LayoutOfC()
    {
        string? program = FindProgram();
        if (program is null)
        {
            Assert.Ignore("abi_layout was not built: it comes with the native tests, in cpu/tests of the build folder.");
        }

        using Process process = Process.Start(new ProcessStartInfo(program!) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string? FindProgram()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string program = Path.Combine(folder.FullName, "cpu", "tests", "abi_layout");
            if (File.Exists(program))
            {
                return program;
            }
        }

        return null;
    }

    /// <summary>The layout in memory, found by setting one field after the other to all ones and looking where they
    /// are.</summary>
    private static List<string> LayoutOf(string name, Type type)
    {
        int size = SizeOf(type);
        List<string> lines = [$"{name} . 0 {size}"];
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            object value = RuntimeHelpers.GetUninitializedObject(type);
            object ones = RuntimeHelpers.GetUninitializedObject(field.FieldType);
            Bytes(ones, SizeOf(field.FieldType)).Fill(0xFF);
            field.SetValue(value, ones);
            Span<byte> bytes = Bytes(value, size);
            int offset = bytes.IndexOf((byte)0xFF);
            int length = bytes.LastIndexOf((byte)0xFF) + 1 - offset;
            string last = lines[^1];
            string cName = CName(field.Name);
            if (char.IsAsciiDigit(cName[^1]) && type == typeof(TensorRef))
            {
                // C's array reserved[2] is two fields here.
                cName = cName[..^1];
                if (last.StartsWith($"{name} {cName} ", StringComparison.Ordinal))
                {
                    offset -= length;
                    length *= 2;
                    lines.RemoveAt(lines.Count - 1);
                }
            }

            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {cName} {offset} {length}"));
        }

        return lines;
    }

    /// <summary>"_type", "WindowLeft" and the backing field of "TopK" as C spells them.</summary>
    private static string CName(string field)
    {
        StringBuilder name = new();
        foreach (char letter in field.Split('<', '>') is [_, string property, _] ? property : field.TrimStart('_'))
        {
            name.Append(char.IsUpper(letter) && name.Length > 0 ? "_" : "").Append(char.ToLowerInvariant(letter));
        }

        return name.ToString() is "type" ? "dtype" : name.ToString();
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>The bytes of a boxed value.</summary>
    private static Span<byte> Bytes(object boxed, int size) =>
        MemoryMarshal.CreateSpan(ref Unsafe.As<Box>(boxed).First, size);

    private sealed class Box
    {
        public byte First;
    }
}

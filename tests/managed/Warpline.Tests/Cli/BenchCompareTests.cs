using System.Globalization;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;

namespace Warpline.Tests.Cli;

/// <summary><c>warpline bench --compare</c> on made-up files: known ratios, and files that are not what they should be.</summary>
public sealed class BenchCompareTests
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-compare").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Ratios_of_medians_are_shown_with_the_cases_that_only_one_file_has()
    {
        // Medians 100 and 150, 200 and 100, 1000 and 1010 with a median deviation of 10: 14.8 are the robust deviation.
        string a = Write("a.json", Case("slow", 1, 90, 100, 101), Case("fast", 1, 200), Case("noisy", 1, 990, 1000, 1010), Case("gone", 1, 5), Skipped("skip"));
        string b = Write("b.json", Case("noisy", 1, 1000, 1010, 1020), Case("new", 1, 5), Case("slow", 1, 150, 149, 900), Case("fast", 1, 100), Skipped("skip"));
        (int code, string output, string error) = await Run("--compare", a, b);
        Assert.That((code, error), Is.EqualTo((ExitCode.Done, "")));
        Assert.That(output, Is.EqualTo($"""
            A: {a}, version 9.8.7 on a machine (cpu, avx512), 2 threads
            B: {b}, version 9.8.7 on a machine (cpu, avx512), 2 threads
            slow: 1.500, slower (A 100 ns, B 150 ns)
            fast: 0.500, faster (A 200 ns, B 100 ns)
            noisy: 1.010, within the noise (A 1.00 us, B 1.01 us)
            gone: only in A
            new: only in B

            """));
        using JsonDocument json = JsonDocument.Parse((await Run("--compare", a, b, "--json")).Output);
        JsonElement[] cases = [.. json.RootElement.GetProperty("cases").EnumerateArray()];
        Assert.That(cases.Select(item => item.GetProperty("ratio").GetDouble()), Is.EqualTo(new[] { 1.5, 0.5, 1.01 }).Within(1e-12));
        Assert.That(cases.Select(item => item.GetProperty("beyond_noise").GetBoolean()), Is.EqualTo(new[] { true, true, false }));
        Assert.That(cases[0].GetProperty("a_median_ns").GetDouble(), Is.EqualTo(100));
        Assert.That(json.RootElement.GetProperty("only_a")[0].GetString(), Is.EqualTo("gone"));
        Assert.That(json.RootElement.GetProperty("only_b")[0].GetString(), Is.EqualTo("new"));
    }

    [TestCase(44, false, Description = "3 * 1.4826 * 10 are 44.478")]
    [TestCase(45, true)]
    public async Task The_noise_is_three_robust_standard_deviations(int more, bool beyond)
    {
        string a = Write("a.json", Case("x", 1, 990, 1000, 1010)), b = Write("b.json", Case("x", 1, 1000 + more));
        using JsonDocument json = JsonDocument.Parse((await Run("--compare", a, b, "--json")).Output);
        Assert.That(json.RootElement.GetProperty("cases")[0].GetProperty("beyond_noise").GetBoolean(), Is.EqualTo(beyond));
    }

    [TestCase("49.9", 1)]
    [TestCase("50.1", 0)]
    [TestCase("0", 1)]
    public async Task A_case_that_got_slower_by_more_than_the_threshold_fails(string percent, int expected)
    {
        string a = Write("a.json", Case("slow", 1, 100), Case("noisy", 1, 500, 1000, 2000), Case("fast", 1, 100));
        string b = Write("b.json", Case("slow", 1, 150), Case("noisy", 1, 900, 1600, 2900), Case("fast", 1, 10));
        (int code, string output, string error) = await Run("--compare", a, b, "--threshold", percent);
        Assert.That(code, Is.EqualTo(expected));
        Assert.That(error, Is.EqualTo(expected == 0 ? "" : $"warpline: 1 case is slower by more than {percent} %.\n"));
        Assert.That(output, Does.Contain("slow: 1.500, slower").And.Contain("noisy: 1.600, within the noise"));
        Assert.That((await Run("--compare", b, a, "--threshold", "2000")).Code, Is.Zero);
    }

    [Test]
    public async Task Cases_are_the_same_where_name_and_axes_are()
    {
        string a = Write("a.json", Case("x", 1, 100), Case("x", 2, 200)), b = Write("b.json", Case("x", 2, 200), Case("x", 3, 50));
        (_, string output, _) = await Run("--compare", a, b);
        Assert.That(output, Does.EndWith("x: 1.000, within the noise (A 200 ns, B 200 ns)\nx: only in A\nx: only in B\n"));
        string c = Write("c.json", Case("y", 1, 100));
        (int code, _, string error) = await Run("--compare", a, c);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: {a} and {c} have no measured case in common.\n")));
    }

    [Test]
    public async Task What_a_run_wrote_equals_itself()
    {
        string file = Path.Combine(_folder, "run.json");
        string[] small = ["--filter", "rmsnorm", "--axis", "rows=2", "--axis", "columns=8", "--time", "0", "--repeat", "3"];
        Assert.That((await Run([.. small, "--output", file])).Code, Is.Zero);
        (int code, string output, _) = await Run("--compare", file, file, "--threshold", "0");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("rmsnorm/dtype=f32/rows=2/columns=8: 1.000, within the noise"));
        (_, string table, _) = await CommandRun.Run(["bench", "--compare", file, file], interactive: true);
        Assert.That(table, Does.Contain("\u256d").And.Contain("within"));
    }

    [TestCase("", "no JSON: ")]
    [TestCase("{\"schema\":", "no JSON: ")]
    [TestCase("[]", "the file is []; an object is required.")]
    [TestCase("{}", "schema is missing; a value is required.")]
    [TestCase("{\"schema\":\"warpline-bench-2\"}", "schema is \"warpline-bench-2\"; \"warpline-bench-1\" is required.")]
    [TestCase("{\"schema\":7}", "schema is 7; a text without control characters is required.")]
    public async Task Files_of_other_kinds_are_refused(string text, string message)
    {
        string good = Write("good.json", Case("x", 1, 1)), bad = Path.Combine(_folder, "bad.json");
        await File.WriteAllTextAsync(bad, text);
        await Refused(good, bad, message);
    }

    [TestCase("{}", "cases is {}; a list is required.")]
    [TestCase("[7]", "cases[0] is 7; an object is required.")]
    [TestCase("[{}]", "cases[0].name is missing; a value is required.")]
    [TestCase("[{\"name\":\"\"}]", "cases[0].name is \"\"; a text without control characters is required.")]
    [TestCase("[{\"name\":\"\\u001b[2J\"}]", "cases[0].name is \"\\u001b[2J\"; a text without control characters is required.")]
    [TestCase("[{\"name\":\"\\ud800\"}]", "no JSON: ")]
    [TestCase("[{\"name\":\"x\",\"axes\":[]}]", "cases[0].axes is []; an object is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{\"m\":1}}]", "cases[0].axes.m is 1; a text without control characters is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{}}]", "cases[0].samples_ns is missing; a value is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[]}]", "cases[0].samples_ns is empty; a list of at least one number is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[1,0]}]", "cases[0].samples_ns[1] is 0; a number in [1e-3, 1e15] is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[-1]}]", "cases[0].samples_ns[0] is -1; a number in [1e-3, 1e15] is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[1e-9]}]", "cases[0].samples_ns[0] is 1e-9; a number in [1e-3, 1e15] is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[1e999]}]", "cases[0].samples_ns[0] is 1e999; a number in [1e-3, 1e15] is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"samples_ns\":[\"1\"]}]", "cases[0].samples_ns[0] is \"1\"; a number in [1e-3, 1e15] is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{},\"skipped\":1}]", "cases[0].skipped is 1; a text without control characters is required.")]
    [TestCase("[{\"name\":\"x\",\"axes\":{\"m\":\"1\"},\"samples_ns\":[1]},{\"name\":\"x\",\"axes\":{\"m\":\"1\"},\"samples_ns\":[1]}]", "cases[1] is \"x\" with axes that an earlier case has; each case once is required.")]
    public async Task Wrong_cases_are_named_by_their_place(string cases, string message)
    {
        string good = Write("good.json", Case("x", 1, 1)), bad = Path.Combine(_folder, "bad.json");
        await File.WriteAllTextAsync(bad, Whole(cases));
        await Refused(good, bad, message);
        await Refused(bad, good, message);
    }

    [Test]
    public async Task Missing_files_are_named()
    {
        string good = Write("good.json", Case("x", 1, 1)), none = Path.Combine(_folder, "none.json");
        (int code, _, string error) = await Run("--compare", good, none);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: Could not find file '{none}'.\n")));
    }

    private async Task Refused(string a, string b, string message)
    {
        (int code, string output, string error) = await Run("--compare", a, b);
        Assert.That((code, output), Is.EqualTo((ExitCode.Failed, "")));
        Assert.That(error, Does.StartWith($"warpline: {Path.Combine(_folder, "bad.json")}: {message}"));
    }

    private string Write(string name, params string[] cases)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, Whole($"[{string.Join(',', cases)}]"));
        return path;
    }

    private static string Whole(string cases) => """
        {"schema":"warpline-bench-1","version":"9.8.7","threads":2,"device":{"id":"cpu","name":"a machine","instruction_set":"avx512"},
        "cases":
        """ + cases + "}";

    private static string Case(string name, int m, params double[] samples) =>
        $$$"""{"name":"{{{name}}}","axes":{"m":"{{{m}}}"},"samples_ns":[{{{string.Join(',', samples.Select(sample => sample.ToString(CultureInfo.InvariantCulture)))}}}],"median_ns":77}""";

    private static string Skipped(string name) => $$"""{"name":"{{name}}","axes":{},"skipped":"not served"}""";

    private static Task<(int Code, string Output, string Error)> Run(params string[] arguments) => CommandRun.Run(["bench", .. arguments]);
}

using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Warpline.Cli;

/// <summary>Where results and messages go: tables and progress for a person, plain lines for a pipe.</summary>
internal sealed class Terminal(TextReader input, TextWriter output, TextWriter error, bool interactive, bool errorInteractive)
{
    private static readonly JsonWriterOptions JsonLayout = new()
    {
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What a person or a pipe says.</summary>
    public TextReader Input => input;

    public TextWriter Output => output;

    public TextWriter Error => error;

    /// <summary>Whether a person watches.</summary>
    public bool Interactive => interactive;

    /// <summary>Whether a person watches the error stream.</summary>
    public bool ErrorInteractive => errorInteractive;

    /// <summary>One line of complaint.</summary>
    public void Complain(string message) => error.WriteLine($"warpline: {message}");

    /// <summary>Names with values: a table for a person, else "name: value" lines.</summary>
    public void Show(IEnumerable<(string Name, string Value)> rows)
    {
        if (!interactive)
        {
            foreach ((string name, string value) in rows)
            {
                output.WriteLine($"{name}: {value}");
            }

            return;
        }

        Table table = new Table().HideHeaders().RoundedBorder().AddColumns("", "");
        foreach ((string name, string value) in rows)
        {
            table.AddRow(new Markup(Markup.Escape(name), new Style(Color.Blue)), new Text(value));
        }

        Console().Write(table);
    }

    /// <summary>Writes one JSON value and a line break.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write, bool indented = true)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, JsonLayout with { Indented = indented }))
        {
            write(writer);
        }

        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    /// <summary>Runs work that reports how much of it is done; only a person sees the bar.</summary>
    public void WithProgress(string title, Action<Action<double>> work)
    {
        if (!interactive)
        {
            work(_ => { });
            return;
        }

        Console().Progress().AutoClear(true).Start(context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
            work(done => task.Value = done);
        });
    }

    private IAnsiConsole Console() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
}

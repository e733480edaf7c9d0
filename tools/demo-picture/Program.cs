using System.Text;
using Warpline.Cli;
using Warpline.DemoPicture;

// Warpline.DemoPicture PICTURE.svg [ARGUMENT OF WARPLINE DEMO]...
const int columns = 110;
const int mostBytes = 200_000;
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: Warpline.DemoPicture PICTURE.svg [ARGUMENT OF WARPLINE DEMO]...");
    return 2;
}

// What Spectre.Console asks before it writes colours.
Environment.SetEnvironmentVariable("TERM", "xterm-256color");
string[] command = ["demo", .. args[1..]];
using Recording recording = new(Console.Out);
recording.Write($"\u001b[1;32m$\u001b[0m warpline {string.Join(' ', command)}\n");
int code = await WarplineCommand.RunAsync(command, TextReader.Null, recording, recording, interactive: true);
if (code != 0)
{
    Console.Error.WriteLine($"warpline demo ended with exit code {code}; no picture is drawn.");
    return code;
}

Screen screen = new(columns);
AnsiReader reader = new(screen);
foreach ((int frame, string text) in recording.Frames())
{
    reader.Read(frame, text);
}

string picture = SvgDrawing.Draw(screen, "What warpline demo prints");
if (Encoding.UTF8.GetByteCount(picture) is int bytes and > mostBytes)
{
    Console.Error.WriteLine($"The picture has {bytes} bytes; at most {mostBytes} are for a README.");
    return 1;
}

File.WriteAllText(args[0], picture);
return 0;

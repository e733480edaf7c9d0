using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Warpline.Transformers;

namespace Warpline.Cli.Demo;

/// <summary>The demonstration, line by line; every figure is measured as it runs.</summary>
internal sealed class Demonstration(Terminal terminal, DirectoryInfo samples, DirectoryInfo bert, FileInfo? program)
{
    private const int ShownQuestions = 3;
    private const int AskedQuestions = 20;
    private const int ComparedByC = 8;
    private const double PerplexityTolerance = 1e-4;

    // All but the checks, which --quiet leaves.
    private readonly TextWriter _output = terminal.Quiet ? TextWriter.Null : terminal.Output;
    private int[] _told = [];
    private bool _failed;

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        StorytellerFiles files = new(Path.Combine(samples.FullName, "models", "storyteller"));
        using TransformerModel model = await TransformerModel.LoadAsync(
            files.Directory, cancellationToken: cancellation).ConfigureAwait(false);
        await using TextGenerator generator = new(model);
        DeviceInfo device = WarplineLibrary.Devices.First(info => info.Device == model.Options.Device);
        Line($"Warpline {WarplineLibrary.Version}: {device.Name}, {WarplineLibrary.ThreadCount} threads, {device.InstructionSet}, "
            + $"device {device.Device}");
        Line($"Storyteller: {model.Config.ModelType}, {model.ParameterCount / 1e6:F1} M parameters, stored in {model.Config.StoredType}, "
            + $"computed in {model.Options.ActivationType}");
        await TellAsync(generator, files.Continuations[0], cancellation).ConfigureAwait(false);
        await AskAsync(generator, files, cancellation).ConfigureAwait(false);
        MeasureSpeed(model, files);
        CheckPerplexity(model, files);
        await ShowEncodersAsync(cancellation).ConfigureAwait(false);
        if (program is not null)
        {
            await RunCSampleAsync(files, cancellation).ConfigureAwait(false);
        }

        Line("Next, with your own model's folder: build/bin/warpline generate FOLDER --prompt \"Once upon a time\"");
        return _failed ? ExitCode.Failed : ExitCode.Done;
    }

    private async Task TellAsync(TextGenerator generator, StorytellerFiles.Continuation expected, CancellationToken cancellation)
    {
        _output.Write($"A story: {expected.Prompt}");
        List<int> ids = [];
        GenerationOptions greedy = new() { Temperature = 0, StopSequences = ["\n"] };
        await foreach (GeneratedToken token in generator.GenerateAsync(expected.Ids, greedy, cancellation).ConfigureAwait(false))
        {
            ids.Add(token.Id);
            _output.Write(token.Text);
            _output.Flush();
        }

        _output.WriteLine();
        _told = [.. ids];
        int equal = expected.Greedy.Zip(ids, (a, b) => a == b).TakeWhile(same => same).Count();
        Check(equal == expected.Greedy.Length, $"{equal} of {expected.Greedy.Length} tokens equal the float64 reference");
    }

    private async Task AskAsync(TextGenerator generator, StorytellerFiles files, CancellationToken cancellation)
    {
        int right = 0;
        for (int i = 0; i < AskedQuestions; i++)
        {
            StorytellerFiles.Question question = files.Questions[i];
            string answer = await StorytellerTasks.AnswerAsync(generator, question.Prompt, cancellation).ConfigureAwait(false);
            bool isRight = answer == question.Answer;
            right += isRight ? 1 : 0;
            if (i < ShownQuestions)
            {
                Line($"Story: {question.Story}");
                Line($"  {question.Text.ReplaceLineEndings(" ")} {answer} ({(isRight ? "right" : $"wrong: {question.Answer}")})");
            }
        }

        Line($"{right} of the first {AskedQuestions} questions right "
            + $"(the float64 reference: {files.QuestionsRight} of all {files.Questions.Count})");
    }

    private void MeasureSpeed(TransformerModel model, StorytellerFiles files)
    {
        int[] text = [.. model.Tokenizer!.EncodeToIds(string.Join(' ', files.Stories.Take(8)))];
        Throughput prefill = Throughput.OfPrefill(model, text[..512]), decode = Throughput.OfDecode(model, text[..64], 128);
        Line($"Prefill {prefill.TokensPerSecond:F0} tokens/s ({prefill.Kernel}), "
            + $"decode {decode.TokensPerSecond:F0} tokens/s ({decode.Kernel})");
    }

    private void CheckPerplexity(TransformerModel model, StorytellerFiles files)
    {
        double perplexity = StorytellerTasks.Score(model, files.Stories.Take(files.ReferenceStories)).Perplexity;
        Check(
            Math.Abs(perplexity - files.ReferencePerplexity) <= PerplexityTolerance * files.ReferencePerplexity,
            $"Perplexity on {files.ReferenceStories} held-out stories {perplexity:F6}, float64 reference {files.ReferencePerplexity:F6}");
    }

    private async Task ShowEncodersAsync(CancellationToken cancellation)
    {
        double difference = await EncoderDemo.LargestDifferenceAsync(bert.FullName, cancellation).ConfigureAwait(false);
        Check(
            difference <= EncoderDemo.Tolerance,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Encoder (bert test checkpoint): largest difference from the float64 reference {difference:0.0e-0}, at most {EncoderDemo.Tolerance:0e-0}"));
        if (EncoderDemo.FindModel() is string model)
        {
            foreach (string line in await EncoderDemo.SimilarityTableAsync(model, cancellation).ConfigureAwait(false))
            {
                Line(line);
            }
        }
    }

    private async Task RunCSampleAsync(StorytellerFiles files, CancellationToken cancellation)
    {
        StorytellerFiles.Continuation expected = files.Continuations[0];
        ProcessStartInfo start = new(program!.FullName) { RedirectStandardOutput = true };
        start.ArgumentList.Add(files.Directory);
        foreach (int id in expected.Ids)
        {
            start.ArgumentList.Add(id.ToString(CultureInfo.InvariantCulture));
        }

        using Process process = Start(start);
        string printed = await process.StandardOutput.ReadToEndAsync(cancellation).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        string[] ids = printed.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        string wanted = string.Join(' ', _told.Take(ComparedByC));
        Check(
            process.ExitCode == 0 && string.Join(' ', ids) == wanted,
            $"The C sample's {ComparedByC} tokens: {string.Join(' ', ids)} (C#: {wanted})");
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new IOException($"{start.FileName}: the C sample does not start: {exception.Message}", exception);
        }
    }

    private void Line(string text) => _output.WriteLine(text);

    private void Check(bool holds, string text)
    {
        _failed |= !holds;
        terminal.Output.WriteLine(holds ? text : $"FAILED: {text}");
    }
}

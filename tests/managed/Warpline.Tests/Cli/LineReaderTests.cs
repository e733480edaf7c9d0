using NUnit.Framework;
using Warpline.Cli.Embed;

namespace Warpline.Tests.Cli;

/// <summary>Lines of a text, against <see cref="TextReader.ReadLine"/>.</summary>
[TestFixture]
public sealed class LineReaderTests
{
    [Test]
    public async Task Lines_are_those_of_ReadLine_however_the_text_arrives()
    {
        Random random = new(11);
        for (int i = 0; i < 300; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(5) switch
            {
                0 => "\n",
                1 => "\r",
                2 => "\r\n",
                3 => new string('x', random.Next(20_000)),
                _ => "é",
            }));
            List<string> expected = [];
            using StringReader whole = new(text);
            while (whole.ReadLine() is { } line)
            {
                expected.Add(line);
            }

            using Pieces pieces = new(text, random);
            List<string> lines = [];
            await foreach (string line in new LineReader(pieces).ReadAsync(CancellationToken.None))
            {
                lines.Add(line);
            }

            Assert.That(lines, Is.EqualTo(expected), $"text {i}");
        }
    }

    [Test]
    public async Task A_line_without_end_is_refused()
    {
        using Endless endless = new();
        LineReader reader = new(endless);
        Assert.That(await reader.NextAsync(CancellationToken.None), Is.EqualTo("first"));
        InvalidDataException exception = (await Assert.ThrowsAsync<InvalidDataException>(
            async () => await reader.NextAsync(CancellationToken.None)))!;
        Assert.That(exception.Message, Is.EqualTo("Line 2 of the input has more than 16777216 characters, the most that are taken."));
        Assert.That(endless.Given, Is.LessThan(LineReader.MaxLength + (1 << 16)));
    }

    /// <summary>A text in pieces of random length.</summary>
    private sealed class Pieces(string text, Random random) : TextReader
    {
        private int _next;

        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            int count = Math.Min(random.Next(1, 9000), Math.Min(buffer.Length, text.Length - _next));
            text.AsSpan(_next, count).CopyTo(buffer.Span);
            _next += count;
            return ValueTask.FromResult(count);
        }
    }

    private sealed class Endless : TextReader
    {
        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill('a');
            if (Given == 0)
            {
                "first\n".CopyTo(buffer.Span);
            }

            Given += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }
    }
}

namespace Warpline.Transformers;

/// <summary>The methods of texts.</summary>
internal static class JinjaTextMethods
{
    /// <summary>The method of a text; null if there is none of that name.</summary>
    public static Func<JinjaArguments, JinjaValue>? Find(JinjaRenderer renderer, JinjaText text, string name) => name switch
    {
        "upper" => arguments => Changed(renderer, arguments, name, text, value => value.ToUpperInvariant()),
        "lower" => arguments => Changed(renderer, arguments, name, text, value => value.ToLowerInvariant()),
        "capitalize" => arguments => Changed(renderer, arguments, name, text, Capitalize),
        "title" => arguments => Changed(renderer, arguments, name, text, Title),
        "strip" => arguments => Strip(renderer, arguments, name, text, left: true, right: true),
        "lstrip" => arguments => Strip(renderer, arguments, name, text, left: true, right: false),
        "rstrip" => arguments => Strip(renderer, arguments, name, text, left: false, right: true),
        "startswith" => arguments => JinjaBoolean.Of(Affixes(arguments, name).Any(
            affix => text.Value.StartsWith(affix, StringComparison.Ordinal))),
        "endswith" => arguments => JinjaBoolean.Of(Affixes(arguments, name).Any(
            affix => text.Value.EndsWith(affix, StringComparison.Ordinal))),
        "removeprefix" => arguments => Affixes(arguments, name)[0] is var prefix && text.Value.StartsWith(prefix, StringComparison.Ordinal)
            ? renderer.Budget.Keep(text.Slice(prefix.Length, text.Length - prefix.Length))
            : text,
        "removesuffix" => arguments => Affixes(arguments, name)[0] is var suffix && text.Value.EndsWith(suffix, StringComparison.Ordinal)
            ? renderer.Budget.Keep(text.Slice(0, text.Length - suffix.Length))
            : text,
        "find" => arguments => Index(renderer, text, text.Value.IndexOf(Affixes(arguments, name)[0], StringComparison.Ordinal)),
        "rfind" => arguments => Index(renderer, text, text.Value.LastIndexOf(Affixes(arguments, name)[0], StringComparison.Ordinal)),
        "count" => arguments => new JinjaInteger(Count(renderer, text, Affixes(arguments, name)[0])),
        "split" => arguments => Split(renderer, text, arguments, fromEnd: false),
        "rsplit" => arguments => Split(renderer, text, arguments, fromEnd: true),
        "splitlines" => arguments => SplitLines(renderer, text, arguments),
        "join" => arguments => JinjaMethods.Join(renderer, text, renderer.Iterate(arguments.Bind(name, 1, "iterable")[0]!)),
        "replace" => arguments => Replace(renderer, text, arguments),
        "isdigit" => arguments => All(arguments, name, text, char.IsDigit),
        "isalpha" => arguments => All(arguments, name, text, char.IsLetter),
        "isalnum" => arguments => All(arguments, name, text, char.IsLetterOrDigit),
        "isspace" => arguments => All(arguments, name, text, JinjaCharacters.IsSpace),
        _ => null,
    };

    private static JinjaText Changed(JinjaRenderer renderer, JinjaArguments arguments, string name, JinjaText text, Func<string, string> change)
    {
        arguments.Bind(name, 0);
        return renderer.Budget.Keep(text.Map(change));
    }

    private static string Capitalize(string text) => text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static string Title(string text) => string.Create(text.Length, text, (output, input) =>
    {
        for (int i = 0; i < input.Length; i++)
        {
            bool begins = i == 0 || !char.IsLetter(input[i - 1]);
            output[i] = begins ? char.ToUpperInvariant(input[i]) : char.ToLowerInvariant(input[i]);
        }
    });

    // Python strips the given characters. npm's engine strips blanks whatever is given, and on real templates (which give line
    // breaks) this must come to the same text: so line breaks and other blanks mean all blanks.
    private static JinjaText Strip(
        JinjaRenderer renderer, JinjaArguments arguments, string name, JinjaText text, bool left, bool right)
    {
        JinjaValue? given = arguments.Bind(name, 0, "chars")[0];
        string characters = given is null || given == JinjaValue.None ? "" : JinjaArguments.Text(given, name).Value;
        bool blanks = characters.All(JinjaCharacters.IsSpace);
        return renderer.Budget.Keep(text.Strip(blanks ? JinjaCharacters.IsSpace : characters.Contains, left, right));
    }

    /// <summary>The one argument: a text, or a tuple of texts.</summary>
    private static string[] Affixes(JinjaArguments arguments, string name)
    {
        JinjaValue given = arguments.Bind(name, 1, "value")[0]!;
        return given is JinjaList { IsTuple: true, Items: [_, ..] items }
            ? [.. items.Select(item => JinjaArguments.Text(item, name).Value)]
            : [JinjaArguments.Text(given, name).Value];
    }

    private static JinjaInteger Index(JinjaRenderer renderer, JinjaText text, int found) =>
        new(found < 0 ? -1 : JinjaSlicing.Count(renderer.Budget.Keep(text.Slice(0, found)), renderer.Budget));

    private static int Count(JinjaRenderer renderer, JinjaText text, string part)
    {
        int count = 0;
        for (int at = 0; at <= text.Length; count++)
        {
            int found = text.Value.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0)
            {
                break;
            }

            at = found + Math.Max(1, part.Length);
        }

        renderer.Budget.Steps(count);
        return count;
    }

    private static JinjaList Split(JinjaRenderer renderer, JinjaText text, JinjaArguments arguments, bool fromEnd)
    {
        JinjaValue?[] given = arguments.Bind(fromEnd ? "rsplit" : "split", 0, "sep", "maxsplit");
        int most = given[1] is JinjaValue limit ? JinjaArguments.Integer(limit, "split") : -1;
        most = most < 0 ? int.MaxValue : most;
        string? separator = given[0] is null || given[0] == JinjaValue.None ? null : JinjaArguments.Text(given[0]!, "split").Value;
        if (separator is "")
        {
            throw new JinjaFault("split got an empty separator");
        }

        List<(int Start, int End)> parts = separator is null ? Words(text.Value) : Between(text.Value, separator);
        renderer.Budget.Items(parts.Count);
        if (parts.Count - 1 > most)
        {
            // What is not split stays as it stands: up to the end of the last part, or from the beginning of the first.
            int joined = parts.Count - most;
            (int from, int to) = fromEnd ? (0, joined) : (most, parts.Count);
            (int start, int end) = (parts[from].Start, parts[to - 1].End);
            end = separator is null && !fromEnd ? text.Length : end;
            parts = [.. parts[..from], (separator is null && fromEnd ? 0 : start, end), .. parts[to..]];
        }

        return new JinjaList([.. parts.Select(part => renderer.Budget.Keep(text.Slice(part.Start, part.End - part.Start)))]);
    }

    private static List<(int Start, int End)> Between(string text, string separator)
    {
        List<(int, int)> parts = [];
        int start = 0;
        for (int found; (found = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; start = found + separator.Length)
        {
            parts.Add((start, found));
        }

        parts.Add((start, text.Length));
        return parts;
    }

    private static List<(int Start, int End)> Words(string text)
    {
        List<(int, int)> words = [];
        for (int i = 0; i < text.Length; i++)
        {
            int start = i;
            while (i < text.Length && !JinjaCharacters.IsSpace(text[i]))
            {
                i++;
            }

            if (i > start)
            {
                words.Add((start, i));
            }
        }

        return words;
    }

    private static JinjaList SplitLines(JinjaRenderer renderer, JinjaText text, JinjaArguments arguments)
    {
        arguments.Bind("splitlines", 0);
        List<JinjaValue> lines = [];
        for (int start = 0; start < text.Length;)
        {
            int length = text.Value.AsSpan(start).IndexOfAny('\r', '\n');
            int end = length < 0 ? text.Length : start + length;
            renderer.Budget.Items(1);
            lines.Add(renderer.Budget.Keep(text.Slice(start, end - start)));
            start = end + (text.Value.AsSpan(end).StartsWith("\r\n") ? 2 : 1);
        }

        return new JinjaList(lines);
    }

    private static JinjaText Replace(JinjaRenderer renderer, JinjaText text, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("replace", 2, "old", "new", "count");
        string old = JinjaArguments.Text(given[0]!, "replace").Value;
        JinjaText replacement = JinjaArguments.Text(given[1]!, "replace");
        int most = given[2] is null || given[2] == JinjaValue.None ? -1 : JinjaArguments.Integer(given[2]!, "replace");
        most = most < 0 ? int.MaxValue : most;
        JinjaText.Builder output = renderer.NewText();
        int start = 0;
        for (int at = 0, found; most > 0 && at <= text.Length; most--)
        {
            found = text.Value.IndexOf(old, at, StringComparison.Ordinal);
            if (found < 0)
            {
                break;
            }

            renderer.Budget.Steps(1);
            output.Append(text.Slice(start, found - start)).Append(replacement);
            start = found + old.Length;
            at = Math.Max(start, found + 1);
        }

        return output.Append(text.Slice(start, text.Length - start)).ToText();
    }

    private static JinjaBoolean All(JinjaArguments arguments, string name, JinjaText text, Func<char, bool> holds)
    {
        arguments.Bind(name, 0);
        return JinjaBoolean.Of(text.Length > 0 && text.Value.All(holds));
    }
}

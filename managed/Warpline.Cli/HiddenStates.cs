using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>What <c>warpline logits</c> writes for an encoder.</summary>
internal static class HiddenStates
{
    public static void Write(Terminal terminal, EncoderModel model, int[][] lists, string path, CancellationToken cancellation)
    {
        TokenLists.Require(lists, model.Config.MaxTokens, model.Config.VocabularySize);
        using EncoderSession session = model.CreateSession(Math.Max(1, lists.Max(list => list.Length)));
        using SafetensorsWriter writer = SafetensorsWriter.Create(path, [.. Declare(model, lists)]);
        using ProgressLine progress = new(terminal);
        for (int i = 0; i < lists.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (lists[i].Length != 0)
            {
                writer.Write(session.Forward(lists[i]));
                if (model.HasPooler)
                {
                    writer.Write(session.PoolerOutput());
                }
            }

            progress.Show("hidden states", (i + 1.0) / lists.Length);
        }

        writer.Complete();
    }

    public static void Report(Terminal terminal, bool json, EncoderModel model, int[][] lists, string path)
    {
        int width = model.Config.HiddenSize;
        LogitsCommand.Report(terminal, json, lists, path, $"{width} numbers", model.Options.ActivationType, writer =>
        {
            writer.WriteNumber("hidden_size", width);
            writer.WriteBoolean("pooler", model.HasPooler);
        });
    }

    // A list without tokens has no first one to pool.
    private static IEnumerable<SafetensorsDeclaration> Declare(EncoderModel model, int[][] lists)
    {
        int width = model.Config.HiddenSize;
        for (int i = 0; i < lists.Length; i++)
        {
            yield return new SafetensorsDeclaration($"last_hidden_state.{i}", SafetensorsType.Float32, [lists[i].Length, width]);
            if (model.HasPooler && lists[i].Length != 0)
            {
                yield return new SafetensorsDeclaration($"pooler_output.{i}", SafetensorsType.Float32, [width]);
            }
        }
    }
}

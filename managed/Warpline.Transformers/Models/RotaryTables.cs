using System.Numerics;

namespace Warpline.Transformers;

/// <summary>
/// Cosines and sines of a model's rotary embedding, and the numbers 0, 1, ... that name their rows. Made as far as the
/// longest session needs and shared by all; a longer session makes longer tables, shorter ones live on beside them.
/// </summary>
internal sealed class RotaryTables(ArchitectureSpec spec, ComputeDevice device, ElementType frequencyType) : IDisposable
{
    private const int SmallestRows = 1024;

    private readonly Lock _lock = new();
    private readonly List<Table> _tables = [];

    /// <summary>Bytes of the tables that a model's first session of so many positions makes.</summary>
    public static long BytesOf(ArchitectureSpec spec, int positions) =>
        RowsFor(spec, positions) * (sizeof(int) + (2L * Pairs(spec) * sizeof(float)));

    /// <summary>Tables with at least so many rows.</summary>
    public Table ForPositions(int positions)
    {
        lock (_lock)
        {
            if (_tables.Count == 0 || _tables[^1].Rows < positions)
            {
                _tables.Add(new Table(spec, device, frequencyType, RowsFor(spec, positions)));
            }

            return _tables[^1];
        }
    }

    private static int RowsFor(ArchitectureSpec spec, int positions) =>
        (int)Math.Min(Math.Max(SmallestRows, (long)BitOperations.RoundUpToPowerOf2((uint)positions)), spec.MaxPositions);

    private static int Pairs(ArchitectureSpec spec) => spec.HeadSize / 2;

    public void Dispose()
    {
        lock (_lock)
        {
            _tables.ForEach(table => table.Dispose());
            _tables.Clear();
        }
    }

    /// <summary>Tables of one length.</summary>
    internal sealed class Table : IDisposable
    {
        private readonly DeviceTensor _cosines;
        private readonly DeviceTensor _sines;
        private readonly DeviceTensor _positions;

        public Table(ArchitectureSpec spec, ComputeDevice device, ElementType frequencyType, int rows)
        {
            RopeConfig rope = spec.Rope;
            int pairs = Pairs(spec);
            Rows = rows;
            using HostTensor cosines = HostTensor.Allocate(ElementType.Float32, rows, pairs);
            using HostTensor sines = HostTensor.Allocate(ElementType.Float32, rows, pairs);
            using HostTensor positions = HostTensor.Allocate(ElementType.Int32, rows);
            Rope.FillTables(cosines, sines, new RopeTableOptions
            {
                Base = rope.Theta,
                Scaling = rope.Kind switch
                {
                    RopeKind.None => RopeScaling.None,
                    RopeKind.Linear => RopeScaling.Linear,
                    RopeKind.Llama3 => RopeScaling.Llama3,
                    RopeKind.Yarn => RopeScaling.Yarn,
                    _ => throw new ArgumentOutOfRangeException(nameof(spec), rope.Kind, "A known kind of RoPE is required."),
                },
                Factor = rope.Factor,
                LowFrequencyFactor = rope.LowFrequencyFactor,
                HighFrequencyFactor = rope.HighFrequencyFactor,
                OriginalMaxPositions = rope.OriginalMaxPositions,
                BetaFast = rope.BetaFast,
                BetaSlow = rope.BetaSlow,
                YarnExactRange = !rope.Truncate,
                AttentionFactor = rope.AttentionFactor,
                FrequencyType = frequencyType == ElementType.Float32 ? null : frequencyType,
            });

            Span<int> numbers = positions.AsSpan<int>();
            for (int i = 0; i < rows; i++)
            {
                numbers[i] = i;
            }

            using Workspace workspace = new(device, batchInvariant: false);
            _cosines = DeviceTensor.Copy(device, cosines, workspace.Stream);
            _sines = DeviceTensor.Copy(device, sines, workspace.Stream);
            _positions = DeviceTensor.Copy(device, positions, workspace.Stream);
            workspace.Synchronize();
        }

        public int Rows { get; }

        public long ByteCount => _cosines.ByteCount + _sines.ByteCount + _positions.ByteCount;

        public TensorRef Cosines => _cosines.View;

        public TensorRef Sines => _sines.View;

        /// <summary>Row numbers from a position on.</summary>
        public TensorRef PositionsFrom(int position, int count) => _positions.View.Slice(0, position, count);

        public void Dispose()
        {
            _cosines.Dispose();
            _sines.Dispose();
            _positions.Dispose();
        }
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Warpline.Cli.Embed;

/// <summary>An array of float32 in NumPy's format 1.0, [rows, dimensions]. The header has a fixed size; its number of rows follows
/// the rows from time to time, so that the file can always be loaded.</summary>
internal sealed class NpyFile : EmbeddingFile
{
    private const int _headerBytes = 128;
    private const int _rowsBetweenHeaders = 1024;
    private const string _beforeRows = "'shape': (";

    private readonly int _rowBytes;

    public NpyFile(string path, FileStream stream, int dimensions)
        : base(path, stream, dimensions)
    {
        _rowBytes = dimensions * sizeof(float);
        Rows = stream.Length < _headerBytes ? CheckBeginning() : CheckHeader();
    }

    public override void Continue()
    {
        File.SetLength(_headerBytes + (Rows * _rowBytes));
        WriteHeader();
    }

    public override void Write(ReadOnlySpan<float> row)
    {
        File.Write(MemoryMarshal.AsBytes(row));
        Rows++;
        if (Rows % _rowsBetweenHeaders == 0)
        {
            WriteHeader();
        }
    }

    public override void Complete() => WriteHeader();

    protected override float[] Read(long row)
    {
        float[] values = new float[Dimensions];
        File.Position = _headerBytes + (row * _rowBytes);
        File.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    // A file that was killed before its header was whole.
    private long CheckBeginning()
    {
        byte[] beginning = new byte[File.Length];
        File.ReadExactly(beginning);
        ReadOnlySpan<byte> header = Header(0), fixedPart = header[..(header.IndexOf(Encoding.Latin1.GetBytes(_beforeRows)) + _beforeRows.Length)];
        int common = Math.Min(beginning.Length, fixedPart.Length);
        return fixedPart.StartsWith(beginning.AsSpan(0, common)) ? 0 : throw Other("the file is no array of float32");
    }

    private long CheckHeader()
    {
        byte[] header = new byte[_headerBytes];
        File.ReadExactly(header);
        string text = Encoding.Latin1.GetString(header);
        int start = text.IndexOf(_beforeRows, StringComparison.Ordinal) + _beforeRows.Length;
        int end = text.IndexOf(',', start);
        bool same = end > start && long.TryParse(text[start..end], NumberStyles.None, CultureInfo.InvariantCulture, out long said)
            && header.AsSpan().SequenceEqual(Header(said));
        return same ? (File.Length - _headerBytes) / _rowBytes : throw Other($"the file is no array of float32 with {Dimensions} columns");
    }

    private void WriteHeader()
    {
        // The rows first: the header never promises what is not there.
        File.Flush();
        File.Position = 0;
        File.Write(Header(Rows));
        File.Flush();
        File.Position = File.Length;
    }

    private byte[] Header(long rows)
    {
        ReadOnlySpan<byte> magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];
        byte[] header = new byte[_headerBytes];
        magic.CopyTo(header);
        int described = _headerBytes - magic.Length - sizeof(ushort);
        BitConverter.TryWriteBytes(header.AsSpan(magic.Length), (ushort)described);
        string text = $"{{'descr': '<f4', 'fortran_order': False, {_beforeRows}{rows}, {Dimensions}), }}".PadRight(described - 1) + "\n";
        Encoding.Latin1.GetBytes(text, header.AsSpan(magic.Length + sizeof(ushort)));
        return header;
    }
}

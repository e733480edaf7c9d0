namespace Warpline.Transformers;

/// <summary>Reads the base-128 numbers of the generated tables.</summary>
internal struct NumberReader(string base64)
{
    private readonly byte[] _bytes = Convert.FromBase64String(base64);
    private int _position;

    public readonly bool HasMore => _position < _bytes.Length;

    public int Next()
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = _bytes[_position++];
            value |= (part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }

    /// <summary>The next number, written as 2n from 0 on and -2n - 1 below.</summary>
    public int NextSigned()
    {
        int value = Next();
        return (value & 1) == 0 ? value >> 1 : -(value >> 1) - 1;
    }
}

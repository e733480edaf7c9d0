namespace Warpline.Transformers;

/// <summary>
/// The weights of a checkpoint on disk: <c>model.safetensors</c>, or the shards that
/// <c>model.safetensors.index.json</c> lists. A tensor is read when it is first asked for, into memory that is freed with the weights;
/// later changes of the files change none that was read. Reading is safe from several threads at once; disposing is not.
/// </summary>
public sealed class CheckpointWeights : IWeightSource
{
    private const string _singleName = "model.safetensors";
    private const string _indexName = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOfTensor = new(StringComparer.Ordinal);
    private readonly Dictionary<nint, string> _names = [];
    private readonly Lock _lock = new();
    private readonly bool _outline;
    private bool _disposed;

    private CheckpointWeights(bool outline) => _outline = outline;

    /// <inheritdoc/>
    public IEnumerable<string> Names => _fileOfTensor.Keys;

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="directoryOrFile">
    /// A directory with one of the two files named above, or a <c>.safetensors</c> or <c>.index.json</c> file itself.
    /// </param>
    /// <returns>The open weights.</returns>
    /// <exception cref="InvalidDataException">A file breaks its format; the message names file, key or tensor, and reason.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read; a missing shard is named.</exception>
    public static CheckpointWeights Open(string directoryOrFile) => Open(directoryOrFile, outline: false);

    /// <summary>As the public method. Of an outline no weight is read: tensors have a shape and the address 0.</summary>
    internal static CheckpointWeights Open(string directoryOrFile, bool outline)
    {
        ArgumentException.ThrowIfNullOrEmpty(directoryOrFile);
        string path = directoryOrFile;
        if (Directory.Exists(path))
        {
            string single = Path.Combine(path, _singleName);
            string index = Path.Combine(path, _indexName);
            path = File.Exists(single) ? single : File.Exists(index) ? index : throw new FileNotFoundException(
                $"{path}: the directory has neither {_singleName} nor {_indexName}.", single);
        }

        var weights = new CheckpointWeights(outline);
        try
        {
            if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            {
                weights.AddShards(path);
            }
            else
            {
                weights.AddFile(path);
            }
        }
        catch
        {
            weights.Dispose();
            throw;
        }

        return weights;
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out WeightTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_fileOfTensor.TryGetValue(name, out SafetensorsFile? file) || !file.TryDescribe(name, out SafetensorsEntry stored))
        {
            tensor = default;
            return false;
        }

        if (!SafetensorsTypes.TryToElementType(stored.Type, out ElementType type))
        {
            throw new InvalidDataException(
                $"{file.Path}: tensor \"{name}\" has dtype {SafetensorsTypes.NameOf(stored.Type)}; F32, F16 or BF16 is required.");
        }

        if (_outline)
        {
            tensor = new WeightTensor(0, type, stored.Shape);
            return true;
        }

        file.TryGet(name, out SafetensorsTensor read);
        tensor = new WeightTensor(read.Address, type, read.Shape);
        lock (_lock)
        {
            _names[read.Address] = name;
        }

        return true;
    }

    /// <summary>All tensors as their files' headers describe them, in the order of the files.</summary>
    internal IEnumerable<CheckpointTensor> Describe() =>
        _files.SelectMany(file => file.Names.Select(name => (Name: name, Entry: file.TryDescribe(name, out SafetensorsEntry entry) ? entry : default))
            .OrderBy(item => item.Entry.Begin).ThenBy(item => item.Entry.End)
            .Select(item => new CheckpointTensor(
                item.Name, SafetensorsTypes.NameOf(item.Entry.Type), item.Entry.Shape, item.Entry.End - item.Entry.Begin, Path.GetFileName(file.Path))));

    /// <summary>Frees the memory of the tensor at an address that nobody uses any more.</summary>
    internal void Release(nint address)
    {
        lock (_lock)
        {
            if (_names.Remove(address, out string? name))
            {
                _fileOfTensor[name].Release(name);
            }
        }
    }

    /// <summary>Closes the files; addresses handed out are no longer valid.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _files.ForEach(file => file.Dispose());
    }

    private SafetensorsFile AddFile(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (string name in file.Names)
        {
            if (!_fileOfTensor.TryAdd(name, file))
            {
                throw new InvalidDataException($"{path}: tensor \"{name}\" is also in {_fileOfTensor[name].Path}.");
            }
        }

        return file;
    }

    private void AddShards(string indexPath)
    {
        ShardIndex index = ShardIndex.Load(indexPath);
        string directory = Path.GetDirectoryName(Path.GetFullPath(indexPath))!;
        foreach (IGrouping<string, string> shard in index.TensorsByShard)
        {
            string path = Path.Combine(directory, shard.Key);
            if (!File.Exists(path))
            {
                throw new FileNotFoundException(
                    $"{indexPath}: the shard {shard.Key}, which holds tensor \"{shard.First()}\", does not exist.", path);
            }

            SafetensorsFile file = AddFile(path);
            foreach (string name in shard)
            {
                if (!file.TryDescribe(name, out _))
                {
                    throw new InvalidDataException($"{indexPath}: tensor \"{name}\" is listed in {shard.Key}, but is not in it.");
                }
            }
        }
    }
}

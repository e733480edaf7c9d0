using System.Reflection;

namespace Warpline.Benchmarks;

/// <summary>Where the sources are, from which benchmarks read texts and in which results are kept.</summary>
internal static class Repository
{
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;
}

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warpline.Native;

/// <summary>The one place where a native status becomes an exception.</summary>
internal static unsafe class NativeStatus
{
    /// <summary>The size of the buffer for a reason; the library cuts what is longer.</summary>
    public const int ReasonBytes = 1024;

    /// <summary>Throws <see cref="WarplineException"/> unless the call just made on this thread succeeded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(int status)
    {
        if (status != (int)WarplineStatus.Ok)
        {
            Throw(status);
        }
    }

    /// <summary>The answer of a wl_X_supported call: true, or false with the reason.</summary>
    public static bool IsSupported(int status, byte* reasonBuffer, out string? reason)
    {
        reason = status == (int)WarplineStatus.Ok ? null : Text(reasonBuffer);
        return reason is null;
    }

    /// <summary>Text of the library.</summary>
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    [DoesNotReturn]
    [StackTraceHidden]
    private static void Throw(int status)
    {
        string message = Text(NativeMethods.LastError());
        string parameter = Text(NativeMethods.LastErrorParameter());
        if (message.Length == 0)
        {
            message = Text(NativeMethods.StatusString(status));
        }

        throw new WarplineException((WarplineStatus)status, message, parameter.Length == 0 ? null : parameter);
    }
}

using Warpline.Cli;

// What is piped in is UTF-8 whatever the terminal's encoding is, and waiting for it can be interrupted. A console's own reader fills its
// caller's buffer, so that the end of the input would have to be typed twice; Windows' knows the console's encoding.
bool plain = Console.IsInputRedirected || !OperatingSystem.IsWindows();
TextReader input = plain ? new StreamReader(Console.OpenStandardInput()) : Console.In;
return await WarplineCommand.RunAsync(
    args, input, Console.Out, Console.Error, interactive: !Console.IsOutputRedirected, errorInteractive: !Console.IsErrorRedirected);

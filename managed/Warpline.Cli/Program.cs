using Warpline.Cli;

// What is piped in is UTF-8 whatever the terminal's encoding is, and waiting for it can be interrupted.
TextReader input = Console.IsInputRedirected ? new StreamReader(Console.OpenStandardInput()) : Console.In;
return await WarplineCommand.RunAsync(
    args, input, Console.Out, Console.Error, interactive: !Console.IsOutputRedirected, errorInteractive: !Console.IsErrorRedirected);

// The command line, wired.
export {};

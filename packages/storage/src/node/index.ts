// The front door of storage on the file system.
export {};

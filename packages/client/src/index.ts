// The front door of the client.
export {};

// The front door of the server on Node.
export {};

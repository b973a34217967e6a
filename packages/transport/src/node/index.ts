// The front door of transport on Node.
export {};

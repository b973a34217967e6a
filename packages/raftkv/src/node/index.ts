// The door on Node.
export {};

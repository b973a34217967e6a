// Whole-state checks for tests and the simulator.
export {};

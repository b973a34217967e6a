// The door: what a user of raftkv imports in any runtime.
export {};

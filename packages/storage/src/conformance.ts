// The conformance suite of the Storage contract, run by each adapter.
export {};

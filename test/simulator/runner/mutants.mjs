// Known bugs, each put back by an edit of the text of a source: what to find, exactly once, and what to put in its place.

export const mutants = {};

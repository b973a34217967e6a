// The door for whoever checks a running member from outside, as the simulator does: the core behind a replica, to be looked at and never stepped.
// Subpath `./inspection`; not part of the stable interface.
export { coreOf } from './replica.ts';

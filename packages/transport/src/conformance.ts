// The front door of the conformance suites: what every kind of channel, and every kind of transport, runs in its tests. Nothing here is of use to an app.
export { describeChannel } from './channel-conformance.ts';
export { meshesUnderTest } from './meshes-under-test.ts';
export { describeTransport } from './transport-conformance.ts';
export { overMembers, overPairs, overRelay } from './ways-under-test.ts';

export type { ChannelPairFactory, ChannelPairUnderTest } from './channel-conformance.ts';
export type { ConformanceRunner } from './conformance-runner.ts';
export type { OpenWays, WaysUnderTest } from './meshes-under-test.ts';
export type { MemberUnderTest } from './ways-under-test.ts';
export type { TestMemberId, TransportsFactory, TransportsUnderTest } from './transport-conformance.ts';

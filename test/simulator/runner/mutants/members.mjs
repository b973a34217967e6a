// Known bugs of membership: who counts, who may come back, and when a change may begin.
export const memberMutants = {
  T25: {
    what: 'a member that lost its disk is taken back under its old identity',
    edits: [
      {
        file: 'packages/server/src/founding.ts',
        find: 'if (noted !== undefined && noted !== peer.storeId) {',
        replace: 'if (noted !== undefined && peer.storeId === undefined) {',
      },
    ],
  },
};

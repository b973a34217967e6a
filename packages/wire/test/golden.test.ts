// The bytes of one value of each kind, written down. A failure here is a change of format: a new version with a reader for the old
// one, never a correction of the expectation.
import { describe, expect, it } from 'vitest';
import { decodeConfiguration, decodeSnapshotMeta } from '../src/index.ts';
import { goldenBytes } from './golden-values.ts';

const golden: Readonly<Record<string, string>> = {
  'command put': '10929305cd012cce00011170940101c4026bffc402dead',
  'command delete': '1092c0930200c4016b',
  'command deleteRange': '1092c0940300c40161c0',
  'command batch': '10929305cd012cce00011170920491930200c4016b',
  'command txn':
    '10929305cd012cce00011170940593950000c4016bc0c402dead950302c4016b92c40161c402620001950401c4016bc0c392930ac4016b04970bc40161c4026200090a00c0919405909090',
  'command compact': '1092c09206cf0000000200000000',
  'command openSession': '1092c09107',
  'command keepAlive': '1092c0920805',
  'command closeSession': '1092c0920905',
  'client hello': '0193019101a26330',
  'client write': '01930201c402dead',
  'client get': '01960302c4016b0109c0',
  'client scan': '019a0403c40161c40262000000090a00c0',
  'client watch': '01960504c40161c40262000803',
  'client watchConsumed': '01930604ce00010000',
  'client cancel': '01920704',
  'client status': '01920805',
  'client ping': '01920906',
  'client observe': '01940a07cd012c94c40161c4026200c40178c0',
  'client admin': '01930b08c402dead',
  'server welcome': '019a0101a26330a23061a16ecd1000cd080010c093a23061db00000002c3a9a3683a31',
  'server leader': '019202a3683a31',
  'server result put': '0193030193010795c4026bffc402dead070602',
  'server result delete': '019303029402070195c4026bffc402dead070602',
  'server result get': '01930303930307c0',
  'server result scan': '01930304950407c30295c4026bffc402dead070602',
  'server result batch': '0193030593050891930108c0',
  'server result txn': '01930306940608c39193030895c4026bffc402dead070602',
  'server result compact': '01930307920708',
  'server result session': '01930308920805',
  'server result error': '01930309940900a16d04',
  'server error': '0197040aa96e6f5f6c6561646572a16dc3c0a3683a31',
  'server watchCreated': '0193050b09',
  'server watchEvents': '0193060b91920992930195c4026bffc402dead070602c09402c4016b0995c4026bffc402dead070602',
  'server watchProgress': '0193070b0c',
  'server watchCancelled': '0195080ba9636f6d706163746564a16d0a',
  'server statusResult':
    '0193090cdd00000015a26330a23061a16ea5302e312e30010303a23061a3683a310a090b0201080305cd0258c3cb3ff800000000000096a23061db00000002c3a9a3683a31c2c30b',
  'server pong': '01920a06',
  'server feedSnapshot': '01970b0703090cb030306666303066663030666630306666c402dead',
  'server feedChanges': '01970c0704090cc0c402dead',
  'server members': '01920d93a23061db00000002c3a9a3683a31',
  'server adminResult': '01930e08c402dead',
  'admin list': '019101',
  'admin add': '019502a16ea3683a31a1739202a23061',
  'admin remove': '019203a16e',
  'admin promote': '019204a16e',
  'admin replace': '019305a16ea16d',
  'admin update': '019406a16ec0a3683a32',
  'admin transfer': '019207c0',
  'admin digest': '01940801cd012c92c40161c0',
  'admin result':
    '019395a26330cd012cc3a230619ea23061db00000002c3a9a3683a31029201c0c30ba23062db00000002c3a9a3683a31019200c0c2c0a23062c402dead',
  digest: '019602cd012ccd012d05a3683a31c402dead',
  'peer preVoteRequest': '019601a23061a23062cf00000100000000000102',
  'peer preVoteResponse': '019502a23061a23062cf0000010000000000c3',
  'peer voteRequest': '019603a23061a23062cf00000100000000000102',
  'peer voteResponse': '019504a23061a23062cf0000010000000000c2',
  'peer appendRequest': '019805a23061a23062cf0000010000000000080207960301c4000300c402dead',
  'peer appendResponse': '019906a23061a23062cf0000010000000000c201020304',
  'peer heartbeatRequest': '019607a23061a23062cf00000100000000000706',
  'peer heartbeatResponse': '019508a23061a23062cf000001000000000006',
  'peer installSnapshotRequest': '019c09a23061a23062cf0000010000000000080292a23061a230629091a23063cd012cc402deadc3',
  'peer installSnapshotResponse': '01980aa23061a23062cf000001000000000008cd012ec3c2',
  'peer readIndexRequest': '01950ba23061a23062cf000001000000000001',
  'peer readIndexResponse': '01960ca23061a23062cf000001000000000001c0',
  'peer proposeRequest': '01960da23061a23062cf00000100000000000292c402deadc402dead',
  'peer proposeResponse': '01990ea23061a23062cf000001000000000002010b0301',
  'peer 2 voteRequest': '029703a23061a23062cf00000100000000000102c3',
  'peer 2 heartbeatRequest': '029707a23061a23062cf0000010000000000070609',
  'peer 2 heartbeatResponse': '029708a23061a23062cf000001000000000006050a',
  'peer 2 timeoutNowRequest': '02940fa23061a23062cf0000010000000000',
  'handshake hello': '8197019101a26330a23061a23062a16ea173',
  'handshake welcome': '81950201a26330a23062a174',
  'handshake confirm': '819103',
  'handshake refusal': '819304ad77726f6e675f636c7573746572a16d',
  'handshake ping': '819205cd03e8',
  'handshake pong': '819206cd03e8',
  'handshake 2 welcome':
    '81970202a26330a23062a17493cd012cb030303131323233333434353536366666b06161626263636464656566663030313194a23061a173a23062a174',
  'handshake 2 confirm': '81930393cd012cb030303131323233333434353536366666b061616262636364646565666630303131c0',
  'handshake 2 founding': '81920794a23061a173a23062a174',
  'feed entries': '019ac4026bffc402dead070602c4016cc402dead070602',
  'feed changes': '0192920792920195c4026bffc402dead0706029302c4016c0792cd012c919302c4016bcd012c',
  'record log batch': '01939303a230610809960301c4000300c402dead',
  'record hard state': '019303c008',
  'record snapshot position': '0297080292a23061a230629091a230639090',
  'record configuration': '029592a23061a230629091a230639090',
  'record snapshot position, joint':
    '0297080291a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a170',
  'record configuration, joint':
    '029591a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a170',
  'peer installSnapshotRequest, joint':
    '029e09a23061a23062cf0000010000000000080291a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a170cd012cc402deadc3',
  'record snapshot position, with a tab':
    '0398080291a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a1709400c001a26430',
  'record configuration, with a tab':
    '039691a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a1709400c001a26430',
  'peer installSnapshotRequest, with a tab':
    '039f09a23061a23062cf0000010000000000080291a2306192a23061a2306291a2306391a230629aa23061a26e31a3683a31a27331c0a23062a26e32a3683a32c0a1709400c001a26430cd012cc402deadc3',
  'admin add, a tab': '029702a16ea3683a31a173c001a26430',
  'admin result, with a tab':
    '029395a26330cd012cc3a23061dd00000012a23061db00000002c3a9a3683a31029201c0c30b01a26430a23062db00000002c3a9a3683a31019200c0c2c001a26430a23062c402dead',
  'server statusResult, with a tab':
    '0193090cdd00000017a26330a23061a16ea5302e312e30010303a23061a3683a310a090b0201080305cd0258c3cb3ff800000000000096a23061db00000002c3a9a3683a31c2c30bc091a0',
  'server statusResult, with a link':
    '0193090cdd00000018a26330a23061a16ea5302e312e30010303a23061a3683a310a090b0201080305cd0258c3cb3ff800000000000096a23061db00000002c3a9a3683a31c2c30bc091c09193a677656272746300cb3ff8000000000000',
};

describe('the format', () => {
  for (const [name, bytes] of goldenBytes()) {
    it(`of ${name} is what it was`, () => {
      expect(Buffer.from(bytes).toString('hex')).toBe(golden[name]);
    });
  }

  it('is written down for each kind once', () => {
    expect(goldenBytes().map(([name]) => name)).toEqual(Object.keys(golden));
  });

  it('goes on reading configurations and snapshot positions of version 1', () => {
    const made = { voters: ['0a', '0b'], votersOutgoing: [], learners: ['0c'] };
    expect(decodeConfiguration(Buffer.from('019392a23061a230629091a23063', 'hex'))).toEqual(made);
    expect(decodeSnapshotMeta(Buffer.from('0195080292a23061a230629091a23063', 'hex'))).toEqual({
      lastIncludedIndex: 8,
      lastIncludedTerm: 2,
      configuration: made,
    });
  });
});

import { bytes, describeFormat } from '../../../support/payload-format.ts';

describeFormat({
  body: '882fe56d6fd20dbc2251613b2ebe5beb',
  payload: { type: 'V', vendorId: bytes('882fe56d6fd20dbc2251613b2ebe5beb') },
  shortest: 0,
  // Its body has no lengths; those of the generic header are in payload-chain.test.ts.
  hostile: [],
});

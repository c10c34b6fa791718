// `isthmus-page`, an extension: where the status page is, and what opens it.

import type { Command } from '../command.ts';
import { PAGE_STATUS } from '../extensions/page.ts';
import { ViciRequestError } from '../message.ts';

export const isthmusPage: Command = ({ page }) => {
  if (page.problem !== undefined) throw new ViciRequestError(page.problem);
  return PAGE_STATUS.encode(page);
};

/** Words of a page's descriptor that more than one part of the allocator reads. */
export const KIND = 0;
/** Length of a run in pages: in the descriptors of its first and, while it is free, its last page. */
export const RUN_PAGES = 1;
/** Of a slab: slots handed out, head of the list of freed ones, and how many of its slots were ever handed out. */
export const USED = 1;
export const FREE_HEAD = 2;
export const FRESH = 3;
/** Links of the list that a free run or a slab with free slots stands in. */
export const NEXT = 4;
export const PREVIOUS = 5;

/** Values of KIND; a slab of class c has SLAB + c. */
export const FREE_RUN = 1;
export const LARGE_RUN = 2;
/** Second page of a two-page slab. */
export const SLAB_REST = 3;
export const SLAB = 16;

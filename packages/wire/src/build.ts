// What a build knows of where it runs. Whoever can do with less in a browser asks it; nobody else.

/** False in the production build for pages (`raftkv/build/production.mjs`), out of which falls whatever only Node needs. */
export const mayRunInNode: boolean = true;

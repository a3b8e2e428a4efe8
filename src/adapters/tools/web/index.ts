import type { ToolGroup } from '../../../core/ports/tool.ts';
import { httpRequestTool, type HttpRequestDeps } from './http-request.ts';
import type { HttpClientOptions, WebSearchOptions } from './options.ts';
import { webSearchTool, type WebSearchDeps } from './web-search.ts';

export interface WebDeps {
  options: { http_client: HttpClientOptions; web_search: WebSearchOptions };
  request: HttpRequestDeps;
  search: WebSearchDeps;
}

/** What shows in four languages that the web is meant. */
const keywords = [
  'http,www.,web,internet,online,url,link,site,page,fetch,download,google,brows,search,look up,news,latest,weather',
  'suche,seite,nachricht,herunterlad,neueste,aktuell,wetter,nachschau',
  'busca,página,sitio,enlace,noticia,descarg,clima',
  'cherch,recherch,lien,actualité,télécharg,météo',
].flatMap((words) => words.split(','));

/** The web: looking at pages, speaking to services, searching. */
export function webTools({ options, request, search }: WebDeps): ToolGroup {
  const tools = [
    options.http_client.enabled ? httpRequestTool(options.http_client, request) : null,
    webSearchTool(options.web_search, search),
  ];
  return {
    name: 'web',
    about: 'read web pages, call HTTP services, search the web',
    keywords,
    tools: tools.filter((tool) => tool !== null),
  };
}

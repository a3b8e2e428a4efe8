import { access } from './access.ts';
import { approvals } from './approvals.ts';
import { budget } from './budget.ts';
import { notes } from './notes.ts';
import { results } from './results.ts';
import { settings } from './settings.ts';
import { stories } from './story.ts';
import type { Words } from './words.ts';

const roles = { owner: 'propriétaire', member: 'membre', guest: 'invité' } as const;

export const fr: Words = {
  summaries: {
    start: 'dit bonjour',
    help: 'montre les commandes',
    new: "commence une nouvelle conversation ; l'ancienne reste conservée",
    stop: 'arrête la réponse en cours',
    status: 'montre comment va la passerelle',
    model: 'montre ou choisit le modèle de cette conversation',
    why: "raconte ce qu'est devenu ton dernier message",
    whoami: 'montre pour qui je te prends',
    lang: 'choisit la langue de mes avis',
    usage: 'montre ce que les modèles ont servi et ce qui reste',
    settings: 'montre ou change tes réglages : modèle, fuseau horaire, heures de silence',
    pair: 'relie un autre de tes comptes',
    remind: 'te rappelle quelque chose : /remind demain à 9h appeler Anne',
    jobs: 'montre et change tes rappels et travaux',
    tasks: 'montre ce qui est en cours et ce qui a été fait',
    notes: 'montre tes notes, ou celles qui ont certains mots',
    forget: 'oublie une note',
    approve: 'autorise ce que je demande',
    deny: 'refuse ce que je demande',
  },
  hello: (name) => `Bonjour ${name} ! Écris-moi et je réponds ; /help montre ce que je comprends d'autre.`,
  answeredBy: (model) => `Les réponses viennent de ${model}.`,
  answeredByDemo:
    "Aucun modèle n'est encore relié : c'est une démo qui répond. Définis OPENAI_API_KEY ou ANTHROPIC_API_KEY, ou lance Ollama, et redémarre-moi.",
  newConversation: 'Une nouvelle conversation commence. Ce qui précède est conservé, mais je ne le regarde plus.',
  stopped: 'Arrêté.',
  whoami: ({ name, id, channel, person, role, chat, session }) =>
    `Tu es ${name} (id \`${id}\` sur ${channel}), personne \`${person}\`, rôle ${roles[role]}. ` +
    `Cette conversation est \`${chat}\`, session \`${session}\`.`,
  access: access.fr,
  approvals: approvals.fr,
  notes: notes.fr,
  budget: budget.fr,
  results: results.fr,
  settings: settings.fr,
  story: stories.fr,
  unknownCommand: 'Je ne connais pas cette commande ; /help montre celles que je comprends.',
  status: ({ uptime, model, waiting, running }) =>
    `En marche depuis ${uptime}. Modèle : ${model}. Messages en cours : ${running}, en attente : ${waiting}.`,
  channelTrouble: (channel, detail) => `${channel} a un problème : ${detail}`,
  allChannelsWell: (count) => (count === 1 ? 'Le canal fonctionne.' : `Les ${count} canaux fonctionnent.`),
  modelIs: (model, pinned) =>
    pinned
      ? `Cette conversation utilise ${model} ; \`/model default\` annule cela.`
      : `Le modèle par défaut répond : ${model}.`,
  modelChoices: (models) => `Choisis avec /model et l'un de : ${models.join(', ')}`,
  modelSet: (model) => `Désormais ${model} répond dans cette conversation.`,
  modelReset: (model) => `Le modèle par défaut répond de nouveau : ${model}.`,
  modelUnknown: (model) => `Il n'y a pas de modèle ${model} ici.`,
  nothingToExplain: "Il n'y a pas de message antérieur de cette conversation dont parler.",
  languageIs: (name, choices) => `Mes avis sont en ${name}. Autres : ${choices} ; choisis avec /lang et le code.`,
  languageSet: 'Mes avis sont maintenant en français. Les réponses viennent dans la langue où tu écris.',
  languageUnknown: (asked, choices) => `Je n'ai pas d'avis en ${asked}. J'ai : ${choices}.`,
  emptyAnswer: "Le modèle a donné une réponse vide. Demande encore, ou avec d'autres mots.",
  couldNotAnswer: (reason) => `Je n'ai pas pu répondre : ${reason}`,
  interrupted: '*(interrompu)*',
  cut: '*(arrêté)*',
  notKept: "Je n'ai pas pu conserver ma réponse ; le journal de la passerelle dit pourquoi.",
  stillWorking: "*J'y travaille encore…*",
  tooMuch:
    'C’est trop à la fois : je réponds à ce qui est venu avant, et je laisse de côté ce qui vient maintenant. Attends un peu, puis écris de nouveau.',
  outage: "Je garde ton message et j'y réponds dès qu'un modèle revient.",
  outageOver: 'Le modèle est revenu ; je réponds à ce qui restait ouvert.',
  repeated: '(renvoyé après une interruption)',
};

import type { Case } from "./cases.ts";

/** Written after the rules, to measure them; what they got wrong then was a kind of its own each. */
export const MORE_CASES: Case[] = [
  {
    title: "Lake ice too thin for race",
    text: 'Organisers called off the 42nd Lake Sternö skating race after rain softened the ice to 11 centimetres. Skaters had come from Finland, Canada and the Netherlands. "Safety first," said race chief Oskar Nyman. Refunds will be paid until 28 February.',
    language: null,
    honest: [
      "The Lake Sternö race was cancelled because the ice is only 11 cm thick. Refunds are paid until the end of February.",
      "Rain has made the ice too thin, so the 42nd race is off. Dutch, Finnish and Canadian skaters had already arrived.",
      "Race chief Oskar Nyman put safety first and cancelled. Participants get their money back.",
    ],
    faults: [
      ["a fault", "The Lake Sternö race was cancelled because the ice is only 9 cm thick."],
      ["a fault", "The race was cancelled, said Oskar Lindberg. Refunds are paid until 28 February."],
      ["a fault", "Skaters had come from Norway and Canada. The race was cancelled."],
      ["a fault", "The race was called off. Refunds will be paid until 28 March."],
      ["a fault", "I hope this helps! The race was called off due to thin ice."],
      ["a fault", "Okay, the race was called off after rain."],
    ],
  },
  {
    title: "Strompreise sinken",
    text: "Die Stadtwerke Lindental senken den Strompreis zum 1. Januar um 2,4 Cent auf 31,7 Cent je Kilowattstunde. Ein Haushalt mit 3.500 kWh spart damit rund 84 Euro im Jahr, rechnete Geschäftsführer Uwe Brandt vor. Die Grundgebühr bleibt gleich.",
    language: "German",
    honest: [
      "Strom wird in Lindental zum Jahreswechsel billiger. Ein Haushalt mit 3500 Kilowattstunden spart etwa 84 Euro.",
      "Die Stadtwerke senken den Preis um 2,4 Cent pro Kilowattstunde. Geschäftsführer Uwe Brandt lässt die Grundgebühr unverändert.",
      "Ab Januar kostet die Kilowattstunde 31,7 Cent. Für Kunden bedeutet das eine spürbare Entlastung.",
    ],
    faults: [
      ["a fault", "Die Stadtwerke senken den Strompreis um 4,2 Cent. Die Grundgebühr bleibt gleich."],
      ["a fault", "Die Stadtwerke Lindental senken den Preis, sagte Geschäftsführer Hans Meier."],
      ["a fault", "Die Stadtwerke senken den Strompreis zum 1. Februar."],
      ["a fault", "Electricity prices fall in January. The basic fee stays the same for all customers."],
      ["a fault", "Gerne! Die Stadtwerke senken den Strompreis."],
      ["a fault", "Die Stadtwerke senken den Strompreis. Ein Haushalt spart 84 Prozent im Jahr."],
    ],
  },
  {
    title: "Un robot pour les vignes",
    text: "La start-up Vitibot Sud a présenté à Montpellier un robot électrique qui désherbe les vignes. Il travaille 10 heures par charge et coûte 48 000 €. Selon Claire Dumas, viticultrice à Gignac, il remplace deux passages de tracteur par mois.",
    language: "French",
    honest: [
      "Un robot électrique désherbe les vignes pendant dix heures par charge. Il coûte 48 000 euros.",
      "Vitibot Sud a dévoilé un robot viticole à Montpellier. La viticultrice Claire Dumas y voit un remplaçant du tracteur.",
      "Présenté à Montpellier, l'engin évite deux passages de tracteur chaque mois, dit Mme Dumas.",
    ],
    faults: [
      ["a fault", "Un robot électrique désherbe les vignes. Il coûte 58 000 euros."],
      ["a fault", "Vitibot Sud a présenté un robot à Bordeaux. Il travaille 10 heures par charge."],
      ["a fault", "Un robot désherbe les vignes 10 jours par charge."],
      ["a fault", "Bien sûr ! Vitibot Sud a présenté un robot électrique."],
      [
        "a fault",
        "El robot eléctrico quita las malas hierbas de los viñedos y trabaja diez horas por carga.",
      ],
    ],
  },
  {
    title: "Sequía en el valle",
    text: "El embalse de Ricote está al 23 % de su capacidad, el nivel más bajo desde 1995. La alcaldesa Marta Soler pidió el lunes reducir el consumo un 15 %. Los agricultores de la Vega Alta temen perder 2.000 hectáreas de limoneros.",
    language: "Spanish",
    honest: [
      "El embalse de Ricote tiene solo el 23% de su capacidad. La alcaldesa pide consumir un 15 % menos.",
      "Marta Soler solicitó el lunes ahorrar agua. En la Vega Alta peligran 2000 hectáreas de limoneros.",
      "El nivel es el más bajo desde 1995. Los agricultores temen por sus cultivos.",
    ],
    faults: [
      ["a fault", "El embalse de Ricote está al 32 % de su capacidad."],
      ["a fault", "La alcaldesa Marta Soler pidió el martes reducir el consumo."],
      ["a fault", "El embalse de Ricote está en el nivel más bajo desde 1985."],
      ["a fault", "Los agricultores de Murcia y Almería temen perder los limoneros."],
    ],
  },
  {
    title: "Kernel 7.2 released",
    text: "Kernel 7.2 is out, two months after 7.1. It brings a new scheduler option for laptops with mixed cores, support for the RISC-V vector crypto extensions, and removes the old ReiserFS code. Maintainer Greta Holm counted 13,900 commits from 1,870 people.",
    language: null,
    honest: [
      "Kernel 7.2 adds a scheduler option for laptops and RISC-V vector crypto. ReiserFS is gone.",
      "Two months after the last version, 7.2 arrives with almost everything laptops with mixed cores need. Greta Holm counts 13,900 commits.",
      "The release removes ReiserFS and supports crypto extensions of RISC-V. 1870 people contributed.",
    ],
    faults: [
      ["a fault", "Kernel 7.3 adds a scheduler option for laptops. ReiserFS is gone."],
      ["a fault", "Kernel 7.2 supports ARM and removes ext4. It took two months."],
      ["a fault", "Kernel 7.2 removes ReiserFS. Maintainer Linus counted 13,900 commits."],
      ["a fault", "1. New scheduler option 2. RISC-V support 3. ReiserFS removed"],
      ["a fault", 'Title: "Kernel 7.2 released" It brings a new scheduler option.'],
      ["a fault", "The article discusses Kernel 7.2 and was published on www.kernel.example."],
    ],
  },
  {
    title: "Brand in der Altstadt",
    text: "In der Nacht zum Samstag brannte in der Altstadt von Bremen ein Lagerhaus. 60 Feuerwehrleute waren im Einsatz, verletzt wurde niemand. Die Polizei schätzt den Schaden auf 1,5 Millionen Euro.",
    language: null,
    honest: [
      "Ein Lagerhaus in der Bremer Altstadt ist abgebrannt. 60 Feuerwehrleute löschten, der Schaden liegt bei 1,5 Mio. Euro.",
      "A warehouse burned in the old town of Bremen on Saturday night. Nobody was hurt, and police put the damage at 1.5 million euros.",
    ],
    faults: [
      ["a fault", "Ein Lagerhaus in der Altstadt von Hamburg brannte. 60 Feuerwehrleute waren im Einsatz."],
      ["a fault", "Die Polizei schätzt den Schaden auf 1,5 Milliarden Euro."],
      ["a fault", "A warehouse burned in Bremen on Sunday night. Nobody was hurt."],
    ],
  },
  {
    title: "Novo autocarro elétrico",
    text: "A Câmara de Évora comprou 14 autocarros elétricos por 6,3 milhões de euros. Começam a circular na segunda-feira, disse a vereadora Inês Campos.",
    language: "Portuguese",
    honest: [
      "Évora comprou 14 autocarros elétricos por 6,3 milhões de euros. A vereadora Inês Campos anunciou o início na segunda-feira.",
      "Os 14 autocarros elétricos circulam a partir de segunda.",
    ],
    faults: [
      ["a fault", "Évora comprou 40 autocarros elétricos."],
      ["a fault", "Lisboa comprou 14 autocarros elétricos por 6,3 milhões de euros."],
      ["a fault", "Os autocarros circulam na terça-feira."],
    ],
  },
  {
    title: "Treni, nuova linea",
    text: "La nuova linea tra Bari e Matera aprirà il 9 giugno. Il viaggio durerà 58 minuti, ha detto Paolo Greco di Ferrovie Sud. I lavori sono costati 210 milioni di euro.",
    language: "Italian",
    honest: [
      "Il 9 giugno apre la linea Bari-Matera. Il tragitto dura 58 minuti.",
      "Secondo Paolo Greco, la linea è costata 210 milioni. Apre a giugno.",
    ],
    faults: [
      ["a fault", "La linea tra Bari e Taranto aprirà il 9 giugno."],
      ["a fault", "Il viaggio durerà 58 ore."],
      ["a fault", "Mi dispiace, non posso riassumere questo testo."],
    ],
  },
  {
    title: "Ferry company hires",
    text: 'Sund Ferries wants to hire 240 sailors before the summer season, the company told Radio Kattegat on Wednesday. It opened a training centre in Grenaa in January and pays trainees 19,500 kroner a month. "We simply need more hands," said personnel chief Maja Holst.',
    language: null,
    honest: [
      "Sund Ferries is looking for 240 sailors before summer. Trainees get 19,500 kroner a month.",
      "A new training centre in Grenaa opened in January. Maja Holst says the company needs more staff.",
      "The ferry operator plans to recruit hundreds of sailors. It told a radio station that trainees earn 19 500 kroner.",
    ],
    faults: [
      ["a fault", "Sund Ferries wants to hire 420 sailors before the summer season."],
      ["a fault", "Sund Ferries wants to hire 240 sailors, the company told Reuters on Wednesday."],
      ["a fault", "Stena Line wants to hire 240 sailors before the summer season."],
      [
        "a fault",
        "It opened a training centre in Aarhus in January and pays trainees 19,500 kroner a month.",
      ],
      ["a fault", "Trainees earn $19,500 a month, and 240 sailors are to be hired by 2025."],
      ["a fault", "Of course! Sund Ferries wants to hire 240 sailors."],
    ],
  },
  {
    title: "Wolf im Naturpark",
    text: "Im Naturpark Hohe Mark hat eine Wildkamera am 14. Oktober erstmals einen Wolf gefilmt. Das bestätigte das Landesamt für Natur am Montag. Försterin Lena Vogt rät Schäfern zu Zäunen von 120 Zentimetern Höhe; das Land übernimmt 80 Prozent der Kosten.",
    language: "German",
    honest: [
      "Erstmals wurde im Naturpark Hohe Mark ein Wolf gefilmt. Schäfer sollen Zäune von 1,20 Meter aufstellen.",
      "Eine Wildkamera nahm im Oktober einen Wolf auf. Das Land bezahlt vier Fünftel der Kosten für Schutzzäune.",
      "Das Landesamt bestätigte die Aufnahme vom 14.10. am Montag. Lena Vogt empfiehlt höhere Zäune.",
      "Tierhalter können Fördermittel beantragen: 80 % der Ausgaben werden erstattet.",
    ],
    faults: [
      ["a fault", "Eine Wildkamera filmte am 14. November einen Wolf im Naturpark."],
      ["a fault", "Das Landesamt rät zu Zäunen von 150 Zentimetern Höhe."],
      ["a fault", "Försterin Maria Klein rät Schäfern zu höheren Zäunen."],
      ["a fault", "Im Naturpark Teutoburger Wald hat eine Wildkamera einen Wolf gefilmt."],
      ["a fault", "Zusammenfassung: Eine Wildkamera hat einen Wolf gefilmt."],
      [
        "a fault",
        "A wolf was filmed in the nature park for the first time, and shepherds should build fences.",
      ],
    ],
  },
  {
    title: "Le festival revient",
    text: "Le festival Les Nuits de Dinan revient du 3 au 6 juillet avec 28 concerts, dont celui de la chanteuse malienne Awa Keïta. Le forfait coûte 65 euros, gratuit pour les moins de 12 ans. L'an dernier, 22 000 personnes étaient venues.",
    language: "French",
    honest: [
      "Le festival de Dinan propose 28 concerts du 3 au 6 juillet. La Malienne Awa Keïta y chantera.",
      "Le forfait est à 65 €, et l'entrée est gratuite jusqu'à 12 ans. 22.000 personnes étaient venues l'an passé.",
      "En juillet, Les Nuits de Dinan accueillent de nouveau le public. Awa Keïta figure au programme.",
    ],
    faults: [
      ["a fault", "Le festival revient du 3 au 6 août avec 28 concerts."],
      ["a fault", "Le festival revient avec 38 concerts, dont celui d'Awa Keïta."],
      ["a fault", "Le festival revient avec la chanteuse malienne Fatoumata Diawara."],
      ["a fault", "Le forfait coûte 65 euros et 12 pour cent de réduction."],
      ["a fault", "Le texte fourni parle d'un festival à Dinan."],
      ["a fault", "Das Festival kehrt im Juli zurück, und der Eintritt ist für Kinder frei."],
    ],
  },
  {
    title: "Nueva planta solar",
    text: "La empresa Solaria Andina inauguró en Tarija una planta de 54 megavatios que dará luz a 70.000 hogares. La inversión fue de 61 millones de dólares, informó el gerente Luis Quiroga. En 2024 el país importaba aún el 9 % de su electricidad.",
    language: "Spanish",
    honest: [
      "Una planta solar de 54 MW abrió en Tarija y abastecerá a 70 000 hogares. Costó 61 millones de dólares.",
      "El gerente Luis Quiroga presentó la planta de Solaria Andina. El país importaba el 9% de su electricidad en 2024.",
    ],
    faults: [
      ["a fault", "Solaria Andina inauguró en La Paz una planta de 54 megavatios."],
      ["a fault", "La inversión fue de 61 millones de euros."],
      ["a fault", "Una planta de 45 megavatios dará luz a 70.000 hogares."],
      ["a fault", "En 2023 el país importaba aún el 9 % de su electricidad."],
      ["a fault", "Resumen: una planta solar abrió en Tarija."],
    ],
  },
  {
    title: "Wintertijd voor bussen",
    text: "Vanaf zondag 14 december rijden bussen in Friesland volgens een nieuwe dienstregeling. Lijn 66 naar Heerenveen vervalt; reizigers kunnen bellen naar een belbus. Vervoerder Arlo schrapt 12 haltes, aldus woordvoerder Sjoerd Postma.",
    language: "Dutch",
    honest: [
      "Friese bussen krijgen op 14 december een nieuwe dienstregeling. Lijn 66 verdwijnt en er komt een belbus.",
      "Arlo schrapt twaalf haltes. Reizigers naar Heerenveen kunnen een belbus bellen, zegt Sjoerd Postma.",
    ],
    faults: [
      ["a fault", "Lijn 77 naar Heerenveen vervalt op 14 december."],
      ["a fault", "Lijn 66 naar Groningen vervalt; reizigers kunnen bellen naar een belbus."],
      ["a fault", "Vervoerder Arlo schrapt 12 haltes, aldus woordvoerder Jan Visser."],
      ["a fault", "Hier is een samenvatting: bussen rijden volgens een nieuwe dienstregeling."],
    ],
  },
  {
    title: "How to back up a phone",
    text: "A short guide. First, plug the phone in and wait until it says trusted. Then run backup --full; with 128 GB this takes about 40 minutes over USB 3. Encrypt the copy with a passphrase of your own. On Android 14 and later, SMS are included; on older ones they are not.",
    language: null,
    honest: [
      "The guide explains how to make a full, encrypted backup of a phone. With 128 GB it takes about 40 minutes over USB 3.",
      "Text messages are included on Android 14 and newer. The copy should be encrypted with your own passphrase.",
      "Plug in the phone, run the backup and encrypt it. Older Android versions leave out SMS.",
    ],
    faults: [
      ["a fault", "With 256 GB the backup takes about 40 minutes."],
      ["a fault", "Text messages are included on iOS 17 and newer."],
      ["a fault", "The backup takes about 40 seconds over USB 3."],
      ["a fault", "Download the tool at backup-tool.io and plug the phone in."],
      ["a fault", "I can't help with that request."],
      ["a fault", "Two plain sentences and nothing else. No markup, no links, no lists."],
    ],
  },
];

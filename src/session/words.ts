/**
 * The words of codes: 1024, so that each is worth 10 bits. Short, in plain letters, and no two of them one letter
 * apart. Another list makes codes that older versions take for codes of the user's own: change it with the protocol.
 */
export const codeWords: readonly string[] = Object.freeze(
  `
acorn acrobat actor adapter admiral agate airport album alcove algebra alley almond alpine altar amber
ambush amulet anchor angler animal ankle anthem anvil apple apron arcade archer arena armor arrow artist
ashtray aspen atlas atom attic auction audio august aurora autumn avenue avocado axle azure bacon badger
bagel bagpipe bakery balcony ballad balloon bamboo banana bandit banjo banner barber bargain barley barn
barrel basil basket bassoon bathtub battery bazaar beaver bedrock beehive beetle belfry bellows belt
bench berry bicycle billow biscuit bishop bison blanket blaze blender blossom blouse boiler bonfire
bonnet bookend border bottle boulder bouquet bowling bramble bravo breeze brewery brick bridge brigade
bronze broom brother brush bubble bucket buckle buffalo bugle bulb bumper bundle bunker burger burrow
butler buzzard cabbage cabin cable cactus calcium camel camera campus canal canary candle cannon canoe
canopy canvas captain caravan carbon caribou carpet carrot cartoon carving cascade cashew casino castle
catalog cavern cedar celery cello cement census ceramic cereal chalk chamber channel chapel chapter
chariot charm cherry chess chicken chimney chisel chorus chowder cider cinema circle citadel citrus
classic clay clergy clever climate clinic cloak closet cloud cluster coaster cobalt cobra coconut coffee
collar colony comet compass concert condor copper coral cornet cosmos costume cottage cotton couch
cougar council courage cousin cowboy coyote crab cradle crane crater crayon cream cricket crimson crocus
crown crumpet crystal cuckoo curfew current curtain cushion custard cyclone cymbal cypress dagger dahlia
dairy damsel dancer darling decade decimal deck delta denim dentist depot deputy desert detail detour
diagram dialect diamond diary diesel dinghy dinner diploma disco ditch divan dolphin domain domino
donkey dragon drama drawer dresser drizzle drum duchess duet dugout dungeon dynamo eagle earring earth
easel echo eclipse edition editor elbow elder elegant element elixir elk emblem emerald emperor empire
enamel engine epoch equator eraser escort essay estate ether evening exhibit express eyebrow fabric
factory falcon family fanfare farmer fashion feather fedora fencing fender ferret fever fiber fiction
fiddle field fiesta figure film filter finch finger fisher flagon flannel flask flavor fleet flint flora
florist flute folder forest forge formula fossil fox frame freckle freight fresco frigate frost fruit
fudge funnel furnace fusion gadget galaxy gallery gallop gambit garage garden garlic garnet gazebo
gazelle gecko general genius geyser giant gibbon giraffe glacier glass glider glimmer globe glue goblet
goblin goggles golden gondola goose gopher gorilla gospel granite grape gravel gravity griffin grocery
grotto guitar gull gutter gymnast gypsum habitat haddock halibut hammer hamster hangar harbor harmony
harness harp harvest hatchet haven hawk hazel hedge helium helmet herald herbal hermit heron hexagon
hickory highway hiking hockey hollow honey horizon horse hotel hunter hurdle husky iceberg icicle idea
igloo iguana image impulse incense index indigo infant inkwell insect iris iron island ivory jacket
jackpot jaguar jasmine javelin jelly jersey jewel jigsaw journal jubilee juggler juice jukebox jungle
juniper jury justice karate kayak kennel ketchup kettle kidney kilt kimono kingdom kiosk kitchen kitten
knight knuckle koala lacquer ladder ladybug lagoon lamb lantern laptop larch lasagna laser lattice
laundry lava lawyer leader leaflet lecture legend lemon lentil leopard letter lettuce library lichen
lilac linen lion liquid lizard llama lobby lobster locket locust lodge logic lotus lounge lucky lullaby
lumber lunar lynx lyric machine magenta magnet magpie mailbox malt mammoth manager mango manor mantle
maple marble margin marina market marmot marquee mascot mason matador matrix maximum meadow medal melody
melon memory mentor mercury mermaid meteor method metro milk mimosa mineral mirror mixture mobile model
monarch monday monitor monsoon morning mosaic motor muffin mural muscle museum music myrtle mystery
napkin narwhal nation nature navy nebula nectar needle nephew neptune network neutron nickel nimbus
ninja noble nomad noodle north novel nugget nursery nutmeg nylon oasis oatmeal object oboe ocean octagon
octopus officer olive omelet onion onyx opal opera optic oracle orange orbit orchard orchid oregano
organ origami osprey ostrich otter outpost oven owl oxygen oyster paddle padlock pagoda palace palette
palm pancake panda panther papaya paper paprika parade parcel parka parlor parsley partner pasta pastel
patio patrol peach peacock peanut pebble pelican pencil penguin pepper perfume petal petunia pewter
phantom pharaoh phoenix photo phrase physics piano piccolo pickle picnic pigeon pilgrim pilot pinball
pine pioneer pirate piston pixel pizza planet plasma plateau plaza plum plywood podium poem polar polish
poncho pony popcorn poppy potato pottery powder prairie pretzel prince prism problem produce profile
program promise protein proverb pulley pumpkin puppet purple puzzle pyramid python quarry quartz queen
quest quiche quilt quiver quokka rabbit raccoon radar radio radish raft rainbow raisin ranch ranger
rattle ravine razor rebel receipt recipe record referee reflex region relic remedy reptile rescue resin
retina reunion rhubarb rhythm ripple ritual river robin robot rodeo rooster route royal rubber ruby
rudder ruler rumba runway russet safari saffron sailor salad salmon salsa sandal sardine satchel satin
saturn sauce sausage savanna scallop scarf scarlet scenery scepter scholar school science scooter scout
screen script seagull season secret sedan seesaw senator sequoia serpent sesame shadow shark shelter
sheriff shield shovel shrimp shuttle sierra signal silence silver siren sketch skillet skipper skylark
slalom sleeve slogan smoke snail snow soccer sofa soldier sonata soprano sorbet south spaniel sparrow
spatula spear sphinx spider spinach spiral sponge spoon sprout square squid stadium stamp station statue
steam steeple stencil stereo stirrup stone storm street studio subway sugar sultan summit sundae surfer
sushi swallow sweater swift symbol syrup tablet taco tadpole talent target taxi teacup temple tendon
tennis termite terrace textile theater theory thermos thicket thimble thistle thunder tiger timber
tinsel toast tomato tonic topaz torch tornado toucan tower tractor traffic trailer trapeze treasure
treaty trellis triangle tribune trident trilogy trolley trombone trophy trousers truffle tuba tugboat
tulip tundra turbine turkey turnip turtle tutor tuxedo tweed twilight twister typhoon ukulele umbrella
unicorn universe upland uranium urchin utensil utopia vacuum vanilla vapor vault vector velvet vendor
veranda verdict vessel veteran viaduct victory video village vinegar vintage violet violin viper virtue
vision vitamin volcano voltage volume voyage vulture waffle wagon walnut walrus waltz warbler warrior
wasabi water wealth wedding weekend whale wheat whisker widget wigwam wildcat window winter wisdom wolf
wombat wonder woodland workshop wreath wren wrist yacht yeast yellow yogurt zebra zenith zephyr zigzag
zinc zipper zodiac`
    .trim()
    .split(/\s+/),
);

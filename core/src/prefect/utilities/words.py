"""The words that generated names are made of."""

from __future__ import annotations

__all__ = ["ADJECTIVES", "ANIMALS"]

_ADJECTIVES_TEXT = """
able adept agile airy alert amber amiable ample ancient apt aqua ardent astute atomic auburn august avid azure balmy
beaming bold bonny brave breezy bright brisk bronze bubbly calm candid careful cheerful chestnut chipper civil classic
clear clever cobalt cosmic cozy crafty crimson crisp curious dainty dandy dapper daring dashing dazzling deft devout
dextrous diligent droll dusky eager earnest easygoing ebony eclectic elated elegant emerald eminent epic ethereal
exact fabled fair famous fancy fearless feisty fervent festive fiery fluent fluffy fond frank free fresh friendly
frosty frugal gallant gentle genuine gifted giving glad gleaming glossy golden graceful grand grateful great gritty
hale handy happy hardy hearty helpful hidden honest hopeful humble hushed icy ideal indigo jade jaunty jolly jovial
joyful jubilant keen kind kindly lasting laughing lavender lean learned light likable lilac limber lively lofty loyal
lucid lucky lunar magenta majestic maroon mellow merry mighty mindful mint modest mystic native neat nifty nimble
noble novel ochre olive opal orange orderly organic original painted pastel patient peaceful pearly perky placid
playful pleasant plucky plum poised polished polite prompt proud prudent purple quaint quick quiet quirky radiant
rapid rare ready regal resolute robust rosy royal ruby rugged russet rustic sage sandy sapphire savvy scarlet serene
shining shiny shrewd silent silken silver sincere skilled sleek smart smiling smooth snowy snug solar solid sonic
sparkling speedy spirited splendid spry stalwart starry steady stellar sterling still stoic striped strong sturdy
subtle sunlit sunny super supple swift tactful tangy tawny teal tender thankful thrifty tidy tireless topaz tranquil
trim true trusty turquoise umber unique upbeat urban useful valiant velvet verdant versed vibrant vigilant violet
vivid warm watchful weightless whimsical willing windy wise witty woolly worthy young zealous zen zesty zippy
"""

_ANIMALS_TEXT = """
aardvark albatross alpaca anchovy anteater antelope armadillo auk avocet axolotl badger barbel barracuda bat bear
bison blackbird bluebird bluejay bobcat bongo bonobo bream buffalo bullfinch bunting buzzard camel canary capybara
caracal caribou carp cassowary catfish centipede chameleon chamois cheetah chickadee chinchilla chipmunk cicada civet
clam coati cobra cockatoo cod condor coot coral cormorant cougar cowrie coyote crab crane crayfish cricket crow cuckoo
curlew dingo dipper dolphin donkey dormouse dove dragonfly duck dugong dunlin eagle echidna eel egret eider eland
elephant elk emu ermine falcon ferret finch firefly flamingo flounder fox frog gannet gar gazelle gecko gerbil gibbon
giraffe gnu goat godwit goldfinch goose gopher goshawk grasshopper grebe greenfinch grouper grouse guanaco guillemot
guppy gull haddock halibut hamster hare harrier hawk hedgehog heron herring hippo hoopoe hornbill horse hummingbird
hyrax ibex ibis iguana impala jackal jackdaw jaguar jay jellyfish jerboa kangaroo kestrel kingfisher kite kiwi koala
kookaburra kudu lacewing lamprey lapwing lark lemming lemur leopard limpet linnet lion lizard llama lobster loon
lorikeet lynx macaw mackerel magpie mallard manatee mandrill manta marlin marmoset marmot marten martin meerkat merlin
mink minnow mole mongoose moose moth mouflon mouse mule mussel narwhal newt nightingale nightjar numbat nuthatch
ocelot octopus okapi opossum orca oriole oryx osprey ostrich otter owl oyster panda pangolin panther parakeet parrot
partridge peacock pelican penguin perch petrel pheasant pigeon pika pike pipit plaice platypus plover polecat
porcupine porpoise possum puffin puma python quail quokka quoll rabbit raccoon raven ray redstart reindeer rhea roach
robin rook salamander salmon sandpiper sardine scallop scarab seahorse seal serval shark shearwater sheep shrew shrike
shrimp siskin skate skink skua skylark sloth smelt snail snipe sparrow spoonbill springbok squid squirrel starfish
starling stingray stoat stork sturgeon sunfish swallow swan swift tamarin tanager tapir tarsier teal tench tern
terrapin thrush tiger toad tortoise toucan trout tuna turbot turtle viper vole vulture wallaby walrus warbler waxwing
weasel whale wheatear whimbrel wigeon wildebeest wolf wolverine wombat woodcock woodlark woodpecker worm wren wrasse
yak zander zebra zebu
"""

ADJECTIVES = _ADJECTIVES_TEXT.split()
ANIMALS = _ANIMALS_TEXT.split()

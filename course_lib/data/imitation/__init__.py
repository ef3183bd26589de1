"""Small folders of virtual films in the layouts of the public sets, to practise on."""

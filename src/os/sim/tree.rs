//! The simulated folders: names as readers see them, names on disk, and the changes between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};

use super::content::{Content, LostPages};
use super::rng::Rng;

/// A file or folder, whatever it is called.
pub type Id = u64;

const ROOT: Id = 0;

/// A file's bytes or a folder's names.
#[derive(Debug)]
pub enum Node {
    /// A file.
    File(Content),
    /// A folder.
    Folder(Folder),
}

/// The names in one folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// As readers see them.
    pub names: BTreeMap<String, Id>,
    durable: BTreeMap<String, Id>,
}

/// A change of names that is not yet on disk.
#[derive(Debug)]
struct Change {
    id: Id,
    from: Option<(Id, String)>,
    to: Option<(Id, String)>,
    /// What is renamed to `from` in the same step.
    instead: Option<Id>,
}

/// In what order changes of names reach the disk when nobody syncs their folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameOrder {
    /// In the order in which they were made, as a journal does it (ext4, XFS): a crash keeps the first few.
    Journal,
    /// In any order: a crash keeps some of them. The least that POSIX promises.
    Any,
}

/// All files and folders.
#[derive(Debug)]
pub struct Tree {
    nodes: BTreeMap<Id, Node>,
    next: Id,
    changes: Vec<Change>,
}

impl Tree {
    /// An empty root folder.
    pub fn new() -> Tree {
        let root = Node::Folder(Folder::default());
        Tree { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, changes: Vec::new() }
    }

    /// What stands at `path`.
    ///
    /// # Errors
    /// `NotFound`; `NotADirectory` where a file is on the way.
    pub fn find(&self, path: &Path) -> io::Result<Id> {
        let mut at = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
                let found = self.folder(at)?.names.get(name);
                at = *found.ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(at)
    }

    /// The folder that holds `path`, and the last part of its name.
    ///
    /// # Errors
    /// As [`Tree::find`].
    pub fn find_parent(&self, path: &Path) -> io::Result<(Id, String)> {
        let parent = self.find(path.parent().unwrap_or(Path::new("/")))?;
        self.folder(parent)?;
        let name = path.file_name().and_then(|name| name.to_str());
        Ok((parent, name.ok_or(io::ErrorKind::InvalidFilename)?.to_owned()))
    }

    /// A folder's names.
    ///
    /// # Errors
    /// `NotADirectory`.
    pub fn folder(&self, id: Id) -> io::Result<&Folder> {
        match self.nodes.get(&id) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// `IsADirectory`.
    pub fn file(&mut self, id: Id) -> io::Result<&mut Content> {
        match self.nodes.get_mut(&id) {
            Some(Node::File(content)) => Ok(content),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self, id: Id) -> bool {
        self.folder(id).is_ok()
    }

    /// How many bytes all files have, as readers see them.
    pub fn bytes(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| match node {
                Node::File(content) => content.bytes().len() as u64,
                Node::Folder(_) => 0,
            })
            .sum()
    }

    /// Every file that has a name, with its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut out = BTreeMap::new();
        let mut left = vec![(ROOT, String::new())];
        while let Some((id, path)) = left.pop() {
            match &self.nodes[&id] {
                Node::File(content) => drop(out.insert(path, content.bytes().to_vec())),
                Node::Folder(folder) => left
                    .extend(folder.names.iter().map(|(name, id)| (*id, format!("{path}/{name}")))),
            }
        }
        out
    }

    /// Makes a file or folder at `path`.
    ///
    /// # Errors
    /// As [`Tree::find`].
    pub fn create(&mut self, path: &Path, node: Node) -> io::Result<Id> {
        let at = self.find_parent(path)?;
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, node);
        self.change(Change { id, from: None, to: Some(at), instead: None });
        Ok(id)
    }

    /// Renames, over what stands at `to`.
    ///
    /// # Errors
    /// As [`Tree::find`].
    pub fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.find(from)?;
        let (from, to) = (self.find_parent(from)?, self.find_parent(to)?);
        self.change(Change { id, from: Some(from), to: Some(to), instead: None });
        Ok(())
    }

    /// Lets two files or folders change their names.
    ///
    /// # Errors
    /// As [`Tree::find`].
    pub fn exchange(&mut self, one: &Path, other: &Path) -> io::Result<()> {
        let (id, instead) = (self.find(one)?, Some(self.find(other)?));
        let (from, to) = (self.find_parent(one)?, self.find_parent(other)?);
        self.change(Change { id, from: Some(from), to: Some(to), instead });
        Ok(())
    }

    /// Gives a file a second name.
    ///
    /// # Errors
    /// As [`Tree::find`]; `AlreadyExists`.
    pub fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.find(from)?;
        self.file(id)?;
        if self.find(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let to = self.find_parent(to)?;
        self.change(Change { id, from: None, to: Some(to), instead: None });
        Ok(())
    }

    /// Removes a file, or a folder with all in it. Who has the file open can go on reading it.
    ///
    /// # Errors
    /// As [`Tree::find`].
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        let id = self.find(path)?;
        let names: Vec<String> = match self.folder(id) {
            Ok(folder) => folder.names.keys().cloned().collect(),
            Err(_) => Vec::new(),
        };
        names.iter().try_for_each(|name| self.remove(&path.join(name)))?;
        let from = self.find_parent(path)?;
        self.change(Change { id, from: Some(from), to: None, instead: None });
        Ok(())
    }

    fn change(&mut self, change: Change) {
        self.apply(&change, |folder| &mut folder.names);
        self.changes.push(change);
    }

    fn apply(&mut self, change: &Change, names: fn(&mut Folder) -> &mut BTreeMap<String, Id>) {
        if let Some((folder, name)) = &change.from
            && let Some(Node::Folder(folder)) = self.nodes.get_mut(folder)
            && names(folder).get(name) == Some(&change.id)
        {
            names(folder).remove(name);
        }
        if let Some((folder, name)) = &change.to
            && let Some(Node::Folder(folder)) = self.nodes.get_mut(folder)
        {
            names(folder).insert(name.clone(), change.id);
        }
        if let Some(instead) = change.instead
            && let Some((folder, name)) = &change.from
            && let Some(Node::Folder(folder)) = self.nodes.get_mut(folder)
        {
            names(folder).insert(name.clone(), instead);
        }
    }

    /// Puts a folder's names on disk.
    pub fn sync_folder(&mut self, id: Id) {
        let touches = |change: &Change| {
            [&change.from, &change.to].into_iter().flatten().any(|(folder, _)| *folder == id)
        };
        let (synced, rest) = std::mem::take(&mut self.changes).into_iter().partition(touches);
        self.changes = rest;
        let synced: Vec<Change> = synced;
        synced.iter().for_each(|change| self.apply(change, |folder| &mut folder.durable));
    }

    /// Puts everything on disk.
    pub fn sync(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        changes.iter().for_each(|change| self.apply(change, |folder| &mut folder.durable));
        self.contents().for_each(Content::sync);
    }

    /// A sync of everything fails: some of the bytes of each file are on disk, and no names.
    pub fn fail_sync(&mut self, rng: &mut Rng, survive_permille: u32, fate: LostPages) {
        self.contents().for_each(|content| content.fail_sync(rng, survive_permille, fate));
    }

    fn contents(&mut self) -> impl Iterator<Item = &mut Content> {
        self.nodes.values_mut().filter_map(|node| match node {
            Node::File(content) => Some(content),
            Node::Folder(_) => None,
        })
    }

    /// The power fails: some of the changes of names are on disk, and of each file what [`Content::crash`] leaves.
    pub fn crash(&mut self, rng: &mut Rng, order: NameOrder, survive_permille: u32) {
        let changes = std::mem::take(&mut self.changes);
        let first = match rng.below(3) {
            0 => 0,
            1 => changes.len(),
            _ => rng.below(changes.len() + 1),
        };
        for (number, change) in changes.iter().enumerate() {
            let kept = match order {
                NameOrder::Journal => number < first,
                NameOrder::Any => rng.chance(survive_permille),
            };
            if kept {
                self.apply(change, |folder| &mut folder.durable);
            }
        }
        let mut reached = BTreeSet::new();
        let mut left = vec![ROOT];
        while let Some(id) = left.pop() {
            if let Some(Node::Folder(folder)) = self.nodes.get_mut(&id)
                && reached.insert(id)
            {
                folder.names.clone_from(&folder.durable);
                left.extend(folder.names.values());
            }
            reached.insert(id);
        }
        self.nodes.retain(|id, _| reached.contains(id));
        for node in self.nodes.values_mut() {
            if let Node::File(content) = node {
                content.crash(rng, survive_permille);
            }
        }
    }
}

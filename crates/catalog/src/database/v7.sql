-- Schema version 7: members who have not been in their project yet. Once released, this file never changes.

-- NULL: they made the project, took up an invite, or have been in it since. Otherwise what they were called by who made them a
-- member, in lower case; empty where that was a number alone. Until they come, other members see no more of them than that.
ALTER TABLE members ADD COLUMN called TEXT;
